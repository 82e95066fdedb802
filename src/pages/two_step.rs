//! Pages for an authenticator app and recovery codes.

use askama::Template;

use super::input::Input;
use super::{Layout, PLAIN, SCRIPTED, reply_allowing};
use crate::http::Reply;
use crate::http::reply::Allowed;

#[derive(Template)]
#[template(path = "totp.html")]
struct TotpPage<'a> {
    layout: Layout<'a>,
    title: &'a str,
    picture: &'a str,
    key: &'a str,
    uri: &'a str,
    inputs: Vec<Input<'a>>,
}

/// The page that hands an authenticator app its secret: as a picture, a `data:` URL, as base32 and as a link.
pub(crate) fn set_up(layout: Layout<'_>, picture: &str, base32: &str, uri: &str) -> Reply {
    let texts = layout.texts;
    let page = TotpPage {
        layout,
        title: texts.totp_title,
        picture,
        key: &grouped(base32),
        uri,
        inputs: vec![Input::code(texts.totp_code).numeric()],
    };
    let allowed = Allowed {
        pictures: true,
        ..PLAIN
    };
    reply_allowing(200, &page, &allowed)
}

/// Groups of four, which are easier to type. Apps take them as well as the whole.
fn grouped(base32: &str) -> String {
    let mut grouped = String::with_capacity(base32.len() * 2);
    for (index, digit) in base32.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct RecoveryCodesPage<'a> {
    layout: Layout<'a>,
    title: &'a str,
    notice: Option<&'a str>,
    codes: &'a [&'a str],
}

/// The page that shows recovery codes, once; `is_first` where an authenticator app was switched on with them.
pub(crate) fn recovery_codes(layout: Layout<'_>, codes: &[&str], is_first: bool) -> Reply {
    let texts = layout.texts;
    let page = RecoveryCodesPage {
        layout,
        title: texts.recovery_codes_title,
        notice: is_first.then_some(texts.totp_is_on_now),
        codes,
    };
    reply_allowing(200, &page, &SCRIPTED)
}
