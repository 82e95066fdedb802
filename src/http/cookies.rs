//! The one cookie that there is: that of a session of the pages (docs/pages.md, "The cookie").

use crate::platform::HostError;
use crate::platform::http::Incoming;

/// Its name. The prefix has browsers take it only over https, for this host alone and for all of its paths (RFC 6265bis
/// section 4.1.3.2), so that no other host of the domain can set it.
pub(crate) const SESSION: &str = "__Host-session";

/// What a page's script cannot read, and what browsers send with no request of another site's but a link that is followed.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The value of the cookie that `request` carries, if it carries it once.
pub(crate) fn session(request: &Incoming) -> Result<Option<String>, HostError> {
    let header = request.header("Cookie")?.unwrap_or_default();
    Ok(value(&header).map(str::to_owned))
}

/// The header `Set-Cookie` that sets the cookie to `value`, which is base64url. A browser keeps it until it is closed.
pub(crate) fn set(value: &str) -> (&'static str, String) {
    ("Set-Cookie", format!("{SESSION}={value}; {ATTRIBUTES}"))
}

/// The header `Set-Cookie` that takes the cookie away.
pub(crate) fn clear() -> (&'static str, String) {
    let text = format!("{SESSION}=; {ATTRIBUTES}; Max-Age=0");
    ("Set-Cookie", text)
}

/// A `Cookie` header without the cookie; `None` where nothing is left of it. Services behind this one are not handed it, and
/// servers read such a header in more than one way: whatever has the name in it goes.
pub(crate) fn without_session(header: &str) -> Option<String> {
    let pairs = header.split(';').map(str::trim);
    let others: Vec<_> = pairs
        .filter(|pair| !pair.is_empty() && !pair.contains(SESSION))
        .collect();
    (!others.is_empty()).then(|| others.join("; "))
}

/// The cookie's value in a `Cookie` header (RFC 6265 section 4.2.1). Two of the name are none: which one counts would be a
/// guess.
fn value(header: &str) -> Option<&str> {
    let mut ours = header
        .split(';')
        .filter_map(|pair| pair.trim_matches(' ').split_once('='))
        .filter(|(name, _)| *name == SESSION);
    let (_, value) = ours.next()?;
    ours.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_read_where_it_is_there_once() {
        for (header, expected) in [
            ("__Host-session=abc", Some("abc")),
            ("a=b; __Host-session=abc; c=d", Some("abc")),
            ("a=b;__Host-session=abc;", Some("abc")),
            ("__Host-session=a=b", Some("a=b")),
            ("__Host-session=\"abc\"", Some("\"abc\"")),
            ("__Host-session=", Some("")),
            ("", None),
            ("__Host-session", None),
            ("__host-session=abc", None),
            ("__Host-session =abc", None),
            ("x__Host-session=abc", None),
            ("session=abc", None),
            ("a=__Host-session=abc", None),
            ("__Host-session=abc; __Host-session=abc", None),
            ("__Host-session=abc; a=b; __Host-session=def", None),
        ] {
            assert_eq!(value(header), expected, "{header}");
        }
    }

    #[test]
    fn no_service_behind_is_handed_it() {
        for (header, expected) in [
            ("__Host-session=abc", None),
            ("a=b; __Host-session=abc; c=d", Some("a=b; c=d")),
            ("__Host-session=a;__Host-session=b;c=d", Some("c=d")),
            (" __Host-session =abc; a", Some("a")),
            ("a=b, __Host-session=abc; c=d", Some("c=d")),
            ("a=\"b\";  c=d", Some("a=\"b\"; c=d")),
            ("", None),
        ] {
            assert_eq!(without_session(header).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn it_is_set_and_taken_away_with_the_same_attributes() {
        let all = "; Path=/; Secure; HttpOnly; SameSite=Lax";
        assert_eq!(set("abc").1, format!("__Host-session=abc{all}"));
        assert_eq!(clear().1, format!("__Host-session={all}; Max-Age=0"));
    }
}
