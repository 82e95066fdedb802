//! The page that says why a request is not answered as it asks.

use askama::Template;

use super::reply;
use super::texts::Texts;
use crate::http::refused::TooMany;
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
    /// There is nothing at that path.
    NotFound,
    /// The body is too long.
    TooLarge,
    /// Wait so many minutes.
    TooMany(u64),
    /// What nobody can do anything about; the number by which the log has it.
    Unexpected(String),
}

impl Problem {
    /// What is told of `refused`.
    pub(crate) fn of(refused: &Refused) -> Self {
        match refused {
            Refused::Link | Refused::Code => Self::DeadLink,
            Refused::CrossSite => Self::CrossSite,
            Refused::Conflict(_) => Self::Taken,
            Refused::NotFound => Self::NotFound,
            Refused::TooLarge => Self::TooLarge,
            Refused::TooMany(TooMany(seconds)) => Self::TooMany(seconds.0.div_ceil(60)),
            _ => Self::BadRequest,
        }
    }
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    texts: &'a Texts,
    title: &'a str,
    text: &'a str,
    number: Option<String>,
}

/// A page that says one thing.
pub(super) fn notice(texts: &Texts, status: u16, title: &str, text: &str) -> Reply {
    let notice = Notice {
        texts,
        title,
        text,
        number: None,
    };
    reply(status, &notice)
}

/// The page about `problem`.
pub(crate) fn page(texts: &Texts, status: u16, problem: &Problem) -> Reply {
    let waiting;
    let (title, text) = match problem {
        Problem::BadRequest => (texts.bad_request_title, texts.bad_request_text),
        Problem::DeadLink => (texts.dead_link_title, texts.dead_link_text),
        Problem::CrossSite => (texts.cross_site_title, texts.cross_site_text),
        Problem::Taken => (texts.taken_title, texts.taken_text),
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
        Problem::Unexpected(number) => Some(texts.unexpected_number.replace("{number}", number)),
        _ => None,
    };
    let notice = Notice {
        texts,
        title,
        text,
        number,
    };
    reply(status, &notice)
}
