//! What a link in a mail leads to: a page that names what the link is for, with a button that does it, or with what is
//! typed elsewhere.

use askama::Template;
use edge_auth_core::challenge::Kind;
use edge_auth_core::time::UnixMillis;

use super::field_problem::FieldProblem;
use super::input::Input;
use super::problem::notice;
use super::texts::Texts;
use super::{Layout, reply};
use crate::http::Reply;

/// A link as it was sent back, from the query of its URL or from a form.
#[derive(Debug)]
pub(crate) struct Link {
    /// What it is for.
    pub(crate) kind: Kind,
    /// The id of its challenge, if the link has one.
    pub(crate) id: String,
    /// What proves that the mail was received.
    pub(crate) token: String,
}

/// What the page of a link shows.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The account's address; of [`Kind::EmailRevert`] the one that it gets back.
    pub(crate) address: String,
    /// When the link was asked for.
    pub(crate) asked_at: UnixMillis,
    /// From which browser and system, such as `Firefox on Linux`.
    pub(crate) browser: String,
    /// The six digits of [`Kind::SignIn`].
    pub(crate) code: Option<String>,
    /// Whether the account has a password to be asked for.
    pub(crate) has_password: bool,
    /// The address that [`Kind::EmailChange`] leads to; of [`Kind::EmailRevert`] the one that the account has now.
    pub(crate) new_address: Option<String>,
}

/// What the page of a link needs beside what it is about.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// What every page has.
    pub(crate) layout: Layout<'a>,
    /// When the link was asked for, for people.
    pub(crate) asked_at: &'a str,
    /// The fewest characters of a new password.
    pub(crate) password_min_length: u32,
    /// What is in the field for the name at first.
    pub(crate) name: &'a str,
    /// What was wrong with the form when it was sent.
    pub(crate) problem: Option<&'a FieldProblem>,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage<'a> {
    layout: Layout<'a>,
    title: &'a str,
    text: &'a str,
    button: &'a str,
    not_you: Option<&'a str>,
    facts: &'a [(&'a str, &'a str)],
    kind: &'a str,
    id: &'a str,
    token: &'a str,
    username: &'a str,
    inputs: &'a [Input<'a>],
    problem: Option<&'a FieldProblem>,
    general_problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "elsewhere.html")]
struct ElsewherePage<'a> {
    layout: Layout<'a>,
    title: &'a str,
    text: &'a str,
    code: Option<&'a str>,
    facts: &'a [(&'a str, &'a str)],
}

/// The page of `link`, which is about `shown`. It has no form where a code is to be typed elsewhere: of [`Kind::SignIn`],
/// and where a link asks for the password of an account that has none.
pub(crate) fn page(status: u16, link: &Link, shown: &Shown, around: &Surroundings<'_>) -> Reply {
    let Surroundings {
        layout, problem, ..
    } = *around;
    let texts = layout.texts;
    let facts = facts(link.kind, shown, around);
    let words = Words::of(link.kind, texts);
    if let Some(text) = elsewhere(link.kind, shown, texts) {
        let page = ElsewherePage {
            layout,
            title: words.title,
            text,
            code: shown.code.as_deref(),
            facts: &facts,
        };
        return reply(status, &page);
    }
    let count = around.password_min_length.to_string();
    let hint = texts.new_password_hint.replace("{count}", &count);
    let mut inputs = inputs(link.kind, around, &hint);
    let general_problem = problem.filter(|problem| !problem.mark(&mut inputs));
    let page = LinkPage {
        layout,
        title: words.title,
        text: words.text,
        button: words.button,
        not_you: not_you(link.kind, texts),
        facts: &facts,
        kind: link.kind.name(),
        id: &link.id,
        token: &link.token,
        username: &shown.address,
        inputs: &inputs,
        problem,
        general_problem: general_problem.map(|problem| &*problem.text),
    };
    reply(status, &page)
}

/// The page that says that what the link is for is done.
pub(crate) fn done(layout: Layout<'_>, kind: Kind) -> Reply {
    let texts = layout.texts;
    notice(layout, 200, texts.done_title, Words::of(kind, texts).done)
}

/// What is said of a link that has no form here.
fn elsewhere(kind: Kind, shown: &Shown, texts: &Texts) -> Option<&'static str> {
    match kind {
        Kind::SignIn => Some(texts.sign_in_text),
        Kind::Verification if !shown.has_password => Some(texts.verification_elsewhere),
        Kind::EmailChange if !shown.has_password => Some(texts.email_change_elsewhere),
        _ => None,
    }
}

fn inputs<'a>(kind: Kind, around: &Surroundings<'a>, hint: &'a str) -> Vec<Input<'a>> {
    let texts = around.layout.texts;
    match kind {
        Kind::Verification | Kind::EmailChange => vec![Input::current_password(texts.password)],
        Kind::Reset => vec![Input::new_password(texts.new_password, hint)],
        Kind::Invitation => vec![
            Input::name(texts.name, around.name).optional(),
            Input::new_password(texts.password, hint).optional(),
        ],
        _ => Vec::new(),
    }
}

/// What the link is about, with labels.
fn facts<'a>(kind: Kind, shown: &'a Shown, around: &Surroundings<'a>) -> Vec<(&'a str, &'a str)> {
    let texts = around.layout.texts;
    let (label, label_of_new) = match kind {
        Kind::EmailChange => (texts.present_address, texts.new_address),
        Kind::EmailRevert => (texts.previous_address, texts.present_address),
        _ => (texts.address, texts.new_address),
    };
    let mut facts = vec![(label, &*shown.address)];
    facts.extend(shown.new_address.as_deref().map(|new| (label_of_new, new)));
    let label = match kind {
        Kind::EmailRevert => texts.changed_at,
        Kind::Invitation => texts.invited_at,
        _ => texts.asked_at,
    };
    facts.push((label, around.asked_at));
    facts.push((texts.browser, &shown.browser));
    facts
}

/// What somebody is told who does not know what the link is about.
fn not_you(kind: Kind, texts: &Texts) -> Option<&'static str> {
    match kind {
        Kind::EmailRevert => None,
        Kind::Invitation => Some(texts.unexpected_invitation),
        _ => Some(texts.not_you),
    }
}

/// What is said of a kind.
struct Words {
    title: &'static str,
    text: &'static str,
    button: &'static str,
    done: &'static str,
}

impl Words {
    fn of(kind: Kind, texts: &Texts) -> Self {
        match kind {
            Kind::Verification => Self {
                title: texts.verification_title,
                text: texts.verification_text,
                button: texts.verification_button,
                done: texts.verification_done,
            },
            Kind::Reset => Self {
                title: texts.reset_title,
                text: texts.reset_text,
                button: texts.reset_button,
                done: texts.reset_done,
            },
            // It has no button and so comes to no end.
            Kind::SignIn => Self {
                title: texts.sign_in_title,
                text: texts.sign_in_text,
                button: "",
                done: "",
            },
            Kind::EmailChange => Self {
                title: texts.email_change_title,
                text: texts.email_change_text,
                button: texts.email_change_button,
                done: texts.email_change_done,
            },
            Kind::EmailRevert => Self {
                title: texts.email_revert_title,
                text: texts.email_revert_text,
                button: texts.email_revert_button,
                done: texts.email_revert_done,
            },
            Kind::Invitation => Self {
                title: texts.invitation_title,
                text: texts.invitation_text,
                button: texts.invitation_button,
                done: texts.invitation_done,
            },
        }
    }
}
