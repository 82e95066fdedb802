//! What people see in a browser: pages of this service's own. `templates/` has their HTML, `texts/` their words.

pub(crate) mod field_problem;
pub(crate) mod form;
mod input;
pub(crate) mod link;
pub(crate) mod problem;
pub(crate) mod security;
#[cfg(test)]
mod tests;
pub(crate) mod texts;

use askama::Template;

use crate::http::Reply;
use crate::platform::http::Incoming;
use texts::Texts;

/// The style sheet. Each page has it inside: most are looked at once, and so nothing is loaded after it.
const STYLE: &str = include_str!("../../templates/style.css");

/// Its digest, as a policy has it, which build.rs computes.
const STYLE_DIGEST: &str = include_str!(concat!(env!("OUT_DIR"), "/style.digest"));

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

/// The page that `template` makes.
fn reply(status: u16, template: &impl Template) -> Reply {
    // Only a filter could fail, or a text that cannot be written to memory.
    let html = template.render().unwrap_or_default();
    Reply::page(status, html, STYLE_DIGEST)
}
