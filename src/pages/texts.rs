//! What pages say, in the languages of `texts/`. build.rs makes a field of each key, so a template cannot name one that is
//! not there.

use crate::platform::http::Incoming;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// The texts in the language of whoever sent `request`.
pub(crate) fn of(request: &Incoming) -> &'static Texts {
    let header = request.header("Accept-Language").ok().flatten();
    lookup(header.as_deref())
}

/// The texts in the language that `accept_language`, the value of that header, likes best of those that there are, or else
/// in the default one.
///
/// It is found by lookup (RFC 4647 section 3.4): of each range that is wanted, the one with the highest weight first, the end
/// is cut off until it is the name of a language.
fn lookup(accept_language: Option<&str>) -> &'static Texts {
    let [default, ..] = &LANGUAGES;
    let ranges = accept_language.unwrap_or_default().split(',');
    // From the end, since of two with the same weight the first one counts, and the last one is taken.
    let wanted = ranges.rev().filter_map(|element| {
        let (range, weight) = weighted(element)?;
        Some((spoken(range)?, weight))
    });
    let best = wanted.max_by_key(|(_, weight)| *weight);
    best.map_or(default, |(texts, _)| texts)
}

/// A language range and its weight in thousandths (RFC 9110 section 12.4.2); none of weight 0, or with a weight that is
/// none.
fn weighted(element: &str) -> Option<(&str, u16)> {
    let (range, parameters) = element.split_once(';').unwrap_or((element, ""));
    let parameters = parameters.trim();
    let weight = if parameters.is_empty() {
        1000
    } else {
        let value = parameters
            .strip_prefix("q=")
            .or_else(|| parameters.strip_prefix("Q="))?;
        thousandths(value)?
    };
    (weight > 0).then_some((range.trim(), weight))
}

fn thousandths(value: &str) -> Option<u16> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" if is_number && fraction.bytes().all(|byte| byte == b'0') => Some(1000),
        "0" if is_number => format!("{fraction:0<3}").parse().ok(),
        _ => None,
    }
}

fn spoken(mut range: &str) -> Option<&'static Texts> {
    loop {
        let is_it = |texts: &&Texts| texts.language.eq_ignore_ascii_case(range);
        if let Some(texts) = LANGUAGES.iter().find(is_it) {
            return Some(texts);
        }
        range = range.rsplit_once('-')?.0;
        // What a single letter introduces goes with it.
        if let Some((rest, subtag)) = range.rsplit_once('-')
            && subtag.len() == 1
        {
            range = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_looked_up() {
        for (header, language) in [
            (None, "en"),
            (Some(""), "en"),
            (Some("de"), "de"),
            (Some("DE-at"), "de"),
            (Some("de-CH-1996"), "de"),
            (Some("de-x-private"), "de"),
            (Some("fr"), "en"),
            (Some("fr, de"), "de"),
            (Some("fr-CA,fr;q=0.9,de;q=0.8,en;q=0.7"), "de"),
            (Some("en;q=0.8,de;q=0.9"), "de"),
            (Some("en; q=0.899, de ; Q=0.9"), "de"),
            (Some("de;q=0.5,en;q=0.5"), "de"),
            (Some("en-GB,de"), "en"),
            (Some("de;q=0"), "en"),
            (Some("de;q=0.000,en"), "en"),
            (Some("de;q=1.000"), "de"),
            // No weights.
            (Some("de;q=2"), "en"),
            (Some("de;q=1.5"), "en"),
            (Some("de;q=-1"), "en"),
            (Some("de;q=0.9999"), "en"),
            (Some("de;q=x"), "en"),
            (Some("de;x=1"), "en"),
            // A wildcard is skipped in lookup.
            (Some("*"), "en"),
            (Some("*, de;q=0.1"), "de"),
            (Some("d,e,-,--,;,;;q=1"), "en"),
            (Some("deutsch"), "en"),
        ] {
            assert_eq!(lookup(header).language, language, "{header:?}");
        }
    }
}
