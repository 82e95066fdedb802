//! The page that says why a request is not answered as it asks.

use askama::Template;

use super::{Layout, reply};
use crate::http::refused::{EMAIL_TAKEN, TooMany};
use crate::http::{Refused, Reply};

/// What a person is told of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The request is none that a page of ours makes.
    BadRequest,
    /// A link or a code is not good any more.
    DeadLink,
    /// A form was not sent by a page of ours.
    CrossSite,
    /// Another account has that address.
    Taken,
    /// Something is not any more as it was when this was asked for.
    Outdated,
    /// Who it is has to be shown again.
    SignIn,
    /// The account's address has to be proven first.
    EmailNotVerified,
    /// The account may not do this.
    Forbidden,
    /// Nobody may register.
    RegistrationClosed,
    /// There is nothing at that path.
    NotFound,
    /// The body is too long.
    TooLarge,
    /// Wait so many minutes.
    TooMany(u64),
    /// What nobody can do anything about; the number by which the log has it, if it does.
    Unexpected(Option<String>),
}

impl Problem {
    /// What is told of `refused`.
    pub(crate) fn of(refused: &Refused) -> Self {
        match refused {
            Refused::Link | Refused::Code => Self::DeadLink,
            Refused::CrossSite => Self::CrossSite,
            Refused::Conflict(EMAIL_TAKEN) => Self::Taken,
            Refused::Conflict(_) => Self::Outdated,
            Refused::NotFound | Refused::UserNotFound => Self::NotFound,
            Refused::TooLarge => Self::TooLarge,
            Refused::TooMany(TooMany(seconds)) => Self::TooMany(seconds.0.div_ceil(60)),
            // A form says at a field what it can: see `FieldProblem`.
            Refused::Credentials
            | Refused::WrongPassword
            | Refused::PasswordRequired
            | Refused::Caller(_)
            | Refused::Token(..)
            | Refused::Proof(..)
            | Refused::SecondFactor(_)
            | Refused::SecondFactorWrong
            | Refused::WrongCode
            | Refused::Ticket
            | Refused::PasskeySignIn { .. }
            | Refused::RecentSignInRequired => Self::SignIn,
            Refused::EmailNotVerified => Self::EmailNotVerified,
            Refused::Forbidden => Self::Forbidden,
            Refused::RegistrationClosed => Self::RegistrationClosed,
            Refused::BadGateway | Refused::Unexpected(_) => Self::Unexpected(None),
            Refused::MethodNotAllowed(_)
            | Refused::MediaType(_)
            | Refused::NotAnObject
            | Refused::NotAForm
            | Refused::Passkey
            | Refused::Missing(_)
            | Refused::NotAString(_)
            | Refused::Rule(_)
            | Refused::Query(_) => Self::BadRequest,
        }
    }
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    layout: Layout<'a>,
    title: &'a str,
    text: &'a str,
    number: Option<String>,
}

/// A page that says one thing.
pub(super) fn notice(layout: Layout<'_>, status: u16, title: &str, text: &str) -> Reply {
    let notice = Notice {
        layout,
        title,
        text,
        number: None,
    };
    reply(status, &notice)
}

/// The page about `problem`.
pub(crate) fn page(layout: Layout<'_>, status: u16, problem: &Problem) -> Reply {
    let texts = layout.texts;
    let waiting;
    let (title, text) = match problem {
        Problem::BadRequest => (texts.bad_request_title, texts.bad_request_text),
        Problem::DeadLink => (texts.dead_link_title, texts.dead_link_text),
        Problem::CrossSite => (texts.cross_site_title, texts.cross_site_text),
        Problem::Taken => (texts.taken_title, texts.taken_text),
        Problem::Outdated => (texts.outdated_title, texts.outdated_text),
        Problem::SignIn => (texts.sign_in_again_title, texts.sign_in_again_text),
        Problem::EmailNotVerified => (
            texts.email_not_verified_title,
            texts.email_not_verified_text,
        ),
        Problem::Forbidden => (texts.forbidden_title, texts.forbidden_text),
        Problem::RegistrationClosed => (
            texts.registration_closed_title,
            texts.registration_closed_text,
        ),
        Problem::NotFound => (texts.not_found_title, texts.not_found_text),
        Problem::TooLarge => (texts.too_large_title, texts.too_large_text),
        Problem::TooMany(minutes) => {
            waiting = texts
                .too_many_text
                .replace("{minutes}", &minutes.to_string());
            (texts.too_many_title, &*waiting)
        }
        Problem::Unexpected(_) => (texts.unexpected_title, texts.unexpected_text),
    };
    let number = match problem {
        Problem::Unexpected(Some(number)) => {
            Some(texts.unexpected_number.replace("{number}", number))
        }
        _ => None,
    };
    let notice = Notice {
        layout,
        title,
        text,
        number,
    };
    reply(status, &notice)
}
