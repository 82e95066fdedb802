//! The page of an account's security.

use askama::Template;

use super::field_problem::FieldProblem;
use super::input::Input;
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
}

impl Done {
    /// Its name in a query.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Address => "address",
            Self::Session => "session",
            Self::OtherSessions => "other-sessions",
        }
    }

    /// The one of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [
            Self::Password,
            Self::Address,
            Self::Session,
            Self::OtherSessions,
        ]
        .into_iter()
        .find(|done| done.name() == name)
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
    again: &'a str,
    sends_mail: bool,
    /// Empty where a recent sign-in is asked for first, as are those below.
    password_inputs: Vec<Input<'a>>,
    address_inputs: Vec<Input<'a>>,
    problem: Option<&'a FieldProblem>,
    general_problem: Option<&'a str>,
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
        notice: shown.done.map(|done| match done {
            Done::Password => texts.password_saved,
            Done::Address => texts.email_change_done,
            Done::Session => texts.session_ended,
            Done::OtherSessions => texts.others_ended,
        }),
        facts: &facts,
        sessions: shown.sessions,
        username: shown.email.or(shown.username).unwrap_or_default(),
        again: shown.again,
        sends_mail: shown.sends_mail,
        password_inputs,
        address_inputs,
        problem: shown.problem,
        general_problem: general_problem.map(|problem| &*problem.text),
    };
    reply(shown.status, &page)
}
