//! What pages say, in the languages of `texts/`. build.rs makes a field of each key, so a template cannot name one that is
//! not there.

use edge_auth_core::mail::Language;

use crate::platform::http::Incoming;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// The texts in the language of whoever sent `request`, as mail to them would have it.
pub(super) fn of(request: &Incoming) -> &'static Texts {
    let header = request.header("Accept-Language").ok().flatten();
    let language = Language::lookup(&header.unwrap_or_default());
    let [default, ..] = &LANGUAGES;
    let is_it = |texts: &&Texts| texts.language == language.code();
    LANGUAGES.iter().find(is_it).unwrap_or(default)
}
