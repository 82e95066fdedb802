//! Cross-site request forgery: whether a form was sent by a page of this service's own.

use super::Refused;
use crate::platform::http::Incoming;

/// Lets `request` pass if a page of this service sent it, or the person at the browser did so without a page, as by loading
/// one again. `public_origin` is what browsers know this service by, if that is not what `request` says.
///
/// Browsers of today say so in `Sec-Fetch-Site` (Fetch Metadata Request Headers, section 2.4), which no page can set. For
/// those that do not, `Origin` counts (RFC 6454 section 7). A request with neither is refused, and so is the `null` that
/// a sandboxed frame of any site has (docs/pages.md, "Forms").
///
/// # Errors
/// [`Refused::CrossSite`].
pub(super) fn check(request: &Incoming, public_origin: Option<&str>) -> Result<(), Refused> {
    let site = request.header("Sec-Fetch-Site")?;
    let origin = request.header("Origin")?;
    let is_ours = |origin: &str| public_origin == Some(origin) || request.origin() == origin;
    if is_same_origin(site.as_deref(), origin.as_deref(), is_ours) {
        Ok(())
    } else {
        Err(Refused::CrossSite)
    }
}

fn is_same_origin(
    site: Option<&str>,
    origin: Option<&str>,
    is_ours: impl Fn(&str) -> bool,
) -> bool {
    match site {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => origin.is_some_and(is_ours),
    }
}

#[cfg(test)]
mod tests {
    use super::is_same_origin;

    #[test]
    fn the_site_decides_and_the_origin_where_there_is_none() {
        let ours = "https://auth.example.com";
        for (site, origin, passes) in [
            (Some("same-origin"), Some(ours), true),
            // By a page with `Referrer-Policy: no-referrer`, as ours are.
            (Some("same-origin"), Some("null"), true),
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("same-site"), Some(ours), false),
            (Some("cross-site"), Some(ours), false),
            (Some("cross-site"), None, false),
            (Some("same-origin, cross-site"), Some(ours), false),
            (Some("Same-Origin"), Some(ours), false),
            (Some(""), Some(ours), false),
            (None, Some(ours), true),
            (None, Some("null"), false),
            (None, Some("https://auth.example.com:8443"), false),
            (
                None,
                Some("https://auth.example.com, https://a.example"),
                false,
            ),
            (None, Some(""), false),
            (None, None, false),
        ] {
            let passed = is_same_origin(site, origin, |origin| origin == ours);
            assert_eq!(passed, passes, "{site:?} {origin:?}");
        }
    }
}
