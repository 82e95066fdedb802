//! What people see in a browser: pages of this service's own. `templates/` has their HTML, `texts/` their words.

pub(crate) mod problem;
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

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::pages::texts::LANGUAGES;
    use crate::platform::http::Body;

    #[test]
    fn the_policy_allows_the_style_sheet_of_the_page_and_nothing_else() {
        let reply = problem::page(&LANGUAGES[0], 404, &problem::Problem::NotFound);
        let Body::Html(html) = &reply.body else {
            panic!("{reply:?}");
        };
        let (_, rest) = html.split_once("<style>").unwrap();
        let (style, rest) = rest.split_once("</style>").unwrap();
        assert!(!rest.contains("style"), "{rest}");
        let digest = Base64::encode_string(&Sha256::digest(style));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        let header = ("Content-Security-Policy", policy);
        assert!(reply.headers.contains(&header), "{reply:?}");
    }
}
