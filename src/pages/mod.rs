//! What people see in a browser: pages of this service's own. `templates/` has their HTML, `texts/` their words.

pub(crate) mod field_problem;
pub(crate) mod form;
mod input;
pub(crate) mod link;
mod passkey;
pub(crate) mod problem;
pub(crate) mod security;
#[cfg(test)]
mod tests;
pub(crate) mod texts;
pub(crate) mod two_step;

use askama::Template;

use crate::http::Reply;
use crate::http::reply::Allowed;
use crate::platform::http::Incoming;
use texts::Texts;

/// The style sheet. Each page has it inside: most are looked at once, and so nothing is loaded after it.
const STYLE: &str = include_str!("../../templates/style.css");

/// The script of the pages that ask for passkeys or show recovery codes. No other page has one.
const SCRIPT: &str = include_str!("../../templates/script.js");

/// Their digests, as a policy has them, which build.rs computes.
const STYLE_DIGEST: &str = include_str!(concat!(env!("OUT_DIR"), "/style.css.digest"));
const SCRIPT_DIGEST: &str = include_str!(concat!(env!("OUT_DIR"), "/script.js.digest"));

/// What every page has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout<'a> {
    /// What it says, in the reader's language.
    pub(crate) texts: &'a Texts,
    /// The host of `PUBLIC_URL`, by which the reader knows the service; none where that is not set.
    pub(crate) site: Option<&'a str>,
}

impl<'a> Layout<'a> {
    /// That of a page for whoever sent `request`.
    pub(crate) fn of(request: &Incoming, site: Option<&'a str>) -> Self {
        let texts = texts::of(request);
        Self { texts, site }
    }
}

/// The page that `template` makes, of text and forms alone.
fn reply(status: u16, template: &impl Template) -> Reply {
    reply_allowing(status, template, &PLAIN)
}

/// What most pages have.
const PLAIN: Allowed<'_> = Allowed {
    style: STYLE_DIGEST,
    script: None,
    pictures: false,
};

/// What pages have whose template includes `script.html`.
const SCRIPTED: Allowed<'_> = Allowed {
    script: Some(SCRIPT_DIGEST),
    ..PLAIN
};

/// The page that `template` makes, which has what `allowed` says.
fn reply_allowing(status: u16, template: &impl Template, allowed: &Allowed<'_>) -> Reply {
    // Only a filter could fail, or a text that cannot be written to memory.
    let html = template.render().unwrap_or_default();
    Reply::page(status, html, allowed)
}
