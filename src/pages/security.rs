//! The page of an account's security.

use askama::Template;

use super::field_problem::FieldProblem;
use super::input::Input;
use super::texts::Texts;
use super::{Layout, reply};
use crate::http::Reply;

/// A session, for people.
#[derive(Debug)]
pub(crate) struct ShownSession {
    /// Its identifier.
    pub(crate) id: String,
    /// From which browser and system, such as `Firefox on Linux`.
    pub(crate) browser: String,
    /// When it was last in use.
    pub(crate) last_used: String,
    /// Whether it is the one that asks.
    pub(crate) is_current: bool,
}

/// A passkey, for people.
#[derive(Debug)]
pub(crate) struct ShownPasskey {
    /// Its identifier.
    pub(crate) id: String,
    /// What its owner calls it.
    pub(crate) name: String,
    /// When it was added.
    pub(crate) added: String,
    /// When it was last in use, if it was.
    pub(crate) last_used: Option<String>,
    /// Whether it is backed up.
    pub(crate) backed_up: bool,
    /// Whether other ways to sign in ask for a second factor since it is there.
    pub(crate) second_factor: bool,
}

/// The second step of an account's sign-ins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TwoStep {
    /// Whether an authenticator app is set up.
    pub(crate) totp: bool,
    /// Whether a passkey is the reason for it, or one of two.
    pub(crate) passkey: bool,
    /// How many recovery codes are left.
    pub(crate) recovery_codes: u64,
    /// Whether its owner has shown enough, and lately enough, to change it.
    pub(crate) may_change: bool,
}

/// What was done a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// A password was saved.
    Password,
    /// The account has another address.
    Address,
    /// A session has ended.
    Session,
    /// All others have.
    OtherSessions,
    /// An authenticator app was switched off.
    TotpOff,
    /// There is another passkey.
    PasskeyAdded,
    /// A passkey has another name or another use.
    PasskeyChanged,
    /// A passkey is gone.
    PasskeyRemoved,
}

impl Done {
    const ALL: [Self; 8] = [
        Self::Password,
        Self::Address,
        Self::Session,
        Self::OtherSessions,
        Self::TotpOff,
        Self::PasskeyAdded,
        Self::PasskeyChanged,
        Self::PasskeyRemoved,
    ];

    /// Its name in a query.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Address => "address",
            Self::Session => "session",
            Self::OtherSessions => "other-sessions",
            Self::TotpOff => "totp-off",
            Self::PasskeyAdded => "passkey-added",
            Self::PasskeyChanged => "passkey-changed",
            Self::PasskeyRemoved => "passkey-removed",
        }
    }

    /// The one of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.name() == name)
    }

    fn text(self, texts: &Texts) -> &'static str {
        match self {
            Self::Password => texts.password_saved,
            Self::Address => texts.email_change_done,
            Self::Session => texts.session_ended,
            Self::OtherSessions => texts.others_ended,
            Self::TotpOff => texts.totp_is_off_now,
            Self::PasskeyAdded => texts.passkey_is_added,
            Self::PasskeyChanged => texts.passkey_is_changed,
            Self::PasskeyRemoved => texts.passkey_is_removed,
        }
    }
}

/// What the page shows.
#[derive(Debug)]
pub(crate) struct Security<'a> {
    /// What every page has.
    pub(crate) layout: Layout<'a>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The name that the person goes by.
    pub(crate) name: &'a str,
    /// The username, if there is one.
    pub(crate) username: Option<&'a str>,
    /// The address, if there is one.
    pub(crate) email: Option<&'a str>,
    /// Whether it is proven.
    pub(crate) email_is_verified: bool,
    /// Whether the account has a password.
    pub(crate) has_password: bool,
    /// Whether its owner showed who it is a short while ago.
    pub(crate) is_recent: bool,
    /// Where that is shown again.
    pub(crate) again: &'a str,
    /// Whether mail is sent, without which no address is changed.
    pub(crate) sends_mail: bool,
    /// The fewest characters of a new password.
    pub(crate) password_min_length: u32,
    /// What is open.
    pub(crate) sessions: &'a [ShownSession],
    /// The second step, where authenticator apps can be set up.
    pub(crate) two_step: Option<TwoStep>,
    /// The passkeys, where there can be any.
    pub(crate) passkeys: Option<&'a [ShownPasskey]>,
    /// Whether there may be one more.
    pub(crate) can_add_passkey: bool,
    /// What was done a moment ago.
    pub(crate) done: Option<Done>,
    /// The new address as it was typed.
    pub(crate) new_email: &'a str,
    /// What was wrong with a form when it was sent.
    pub(crate) problem: Option<&'a FieldProblem>,
}

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage<'a> {
    layout: Layout<'a>,
    title: &'a str,
    notice: Option<&'a str>,
    facts: &'a [(&'a str, &'a str)],
    sessions: &'a [ShownSession],
    username: &'a str,
    is_recent: bool,
    again: &'a str,
    sends_mail: bool,
    two_step: Option<ShownTwoStep<'a>>,
    passkeys: Option<&'a [ShownPasskey]>,
    can_add_passkey: bool,
    /// Empty where a recent sign-in is asked for first, as are those below.
    password_inputs: Vec<Input<'a>>,
    address_inputs: Vec<Input<'a>>,
    problem: Option<&'a FieldProblem>,
    general_problem: Option<&'a str>,
}

/// The second step in words.
struct ShownTwoStep<'a> {
    text: &'a str,
    totp: bool,
    set_up_button: &'a str,
    /// How many are left, once a second step is on.
    recovery_codes: Option<String>,
    may_change: bool,
}

impl ShownTwoStep<'_> {
    fn new(two_step: TwoStep, texts: &Texts) -> Self {
        let (text, set_up_button) = match two_step {
            TwoStep { totp: true, .. } => (texts.totp_is_on, texts.totp_move_button),
            TwoStep { passkey: true, .. } => {
                (texts.second_factor_passkey_is_on, texts.totp_on_button)
            }
            _ => (texts.two_step_is_off, texts.totp_on_button),
        };
        let left = texts.recovery_codes_left;
        let left = left.replace("{count}", &two_step.recovery_codes.to_string());
        Self {
            text,
            totp: two_step.totp,
            set_up_button,
            recovery_codes: (two_step.totp || two_step.passkey).then_some(left),
            may_change: two_step.may_change,
        }
    }
}

/// The page.
pub(crate) fn page(shown: &Security<'_>) -> Reply {
    let texts = shown.layout.texts;
    let address = shown.email.map(|email| {
        if shown.email_is_verified {
            email.to_owned()
        } else {
            format!("{email} ({})", texts.address_not_confirmed)
        }
    });
    let mut facts = vec![(texts.name, shown.name)];
    facts.extend(shown.username.map(|username| (texts.username, username)));
    facts.extend(address.as_deref().map(|address| (texts.address, address)));
    let count = shown.password_min_length.to_string();
    let hint = texts.new_password_hint.replace("{count}", &count);
    let mut password_inputs = Vec::new();
    if shown.has_password {
        password_inputs.push(Input {
            name: "current_password",
            ..Input::current_password(texts.current_password)
        });
    }
    if shown.has_password || shown.is_recent {
        password_inputs.push(Input::new_password(texts.new_password, &hint));
    }
    let mut address_inputs = Vec::new();
    if shown.is_recent {
        address_inputs.push(Input::email(texts.new_address, shown.new_email));
    }
    let general_problem = shown.problem.filter(|problem| {
        !problem.mark(&mut password_inputs) && !problem.mark(&mut address_inputs)
    });
    let page = SecurityPage {
        layout: shown.layout,
        title: texts.security_title,
        notice: shown.done.map(|done| done.text(texts)),
        facts: &facts,
        sessions: shown.sessions,
        username: shown.email.or(shown.username).unwrap_or_default(),
        is_recent: shown.is_recent,
        again: shown.again,
        sends_mail: shown.sends_mail,
        two_step: shown
            .two_step
            .map(|two_step| ShownTwoStep::new(two_step, texts)),
        passkeys: shown.passkeys,
        can_add_passkey: shown.can_add_passkey,
        password_inputs,
        address_inputs,
        problem: shown.problem,
        general_problem: general_problem.map(|problem| &*problem.text),
    };
    reply(shown.status, &page)
}
