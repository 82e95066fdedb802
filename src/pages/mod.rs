//! What people see in a browser: pages of this service's own. `templates/` has their HTML, `texts/` their words.

pub(crate) mod field_problem;
mod input;
pub(crate) mod link;
pub(crate) mod problem;
#[cfg(test)]
mod tests;
pub(crate) mod texts;

use askama::Template;

use crate::http::Reply;

/// The style sheet. Each page has it inside: most are looked at once, and so nothing is loaded after it.
const STYLE: &str = include_str!("../../templates/style.css");

/// Its digest, as a policy has it, which build.rs computes.
const STYLE_DIGEST: &str = include_str!(concat!(env!("OUT_DIR"), "/style.digest"));

/// The page that `template` makes.
fn reply(status: u16, template: &impl Template) -> Reply {
    // Only a filter could fail, or a text that cannot be written to memory.
    let html = template.render().unwrap_or_default();
    Reply::page(status, html, STYLE_DIGEST)
}
