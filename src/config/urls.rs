//! URLs: the service's own, and those of others.

use super::ConfigError;
use super::origins::is_origin;
use super::read::Read;

/// `PUBLIC_URL`: the origin under which the service is known. Links in mails and the relying party of
/// passkeys come from here, never from a request's `Host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads the setting.
    pub(super) fn parse(read: Read<'_>) -> Result<Option<Self>, ConfigError> {
        let setting = "PUBLIC_URL";
        let Some(text) = read(setting) else {
            return Ok(None);
        };
        if !is_origin(&text) || !is_safe_scheme(&text) {
            let problem = "must be https:// and a host in lower case, and a port that is not 443 if \
                           need be, without a slash at its end; or the same of http://localhost";
            return Err(ConfigError::new(setting, problem));
        }
        Ok(Some(Self(text)))
    }

    /// The origin, without a slash at its end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0
    }

    /// Its host, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        host(&self.0)
    }
}

/// The host of an origin, without the port.
pub(super) fn host(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or("", |(_, rest)| rest);
    match authority.rsplit_once(':') {
        // A colon within brackets belongs to an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

/// Which parts a URL may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// A path.
    Path,
    /// A path and a query.
    PathAndQuery,
}

/// Whether `text` is an absolute URL of `https`, or of `http` and this machine, of ASCII that needs no
/// escape (RFC 3986 section 2), and without a fragment.
pub(super) fn is_url(text: &str, parts: Parts) -> bool {
    let is_url_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte);
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let has_query = rest.contains('?');
    is_origin(&format!("{scheme}://{authority}"))
        && is_safe_scheme(text)
        && rest.bytes().all(is_url_byte)
        && (parts == Parts::PathAndQuery || !has_query)
}

/// Whether what is sent to the URL can be read on no line between: that of this machine has none.
pub(super) fn is_safe_scheme(url: &str) -> bool {
    let local = url.strip_prefix("http://localhost");
    let is_local = local.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']));
    is_local || url.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public_url(value: &str) -> Result<Option<PublicUrl>, String> {
        let read = |name: &str| (name == "PUBLIC_URL").then(|| value.to_owned());
        PublicUrl::parse(&read).map_err(|error| error.to_string())
    }

    #[test]
    fn the_public_url_is_an_origin() {
        assert_eq!(PublicUrl::parse(&|_| None), Ok(None));
        for (text, host) in [
            ("https://auth.example.com", "auth.example.com"),
            ("https://auth.example.com:8443", "auth.example.com"),
            ("http://localhost", "localhost"),
            ("http://localhost:8787", "localhost"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("https://[2001:db8::1]:8443", "[2001:db8::1]"),
        ] {
            let url = public_url(text).unwrap().unwrap();
            assert_eq!((url.origin(), url.host()), (text, host));
        }
    }

    #[test]
    fn what_is_no_public_url_is_refused() {
        for text in [
            "",
            "auth.example.com",
            "http://auth.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1:8787",
            "https://auth.example.com/",
            "https://auth.example.com/path",
            "https://Auth.example.com",
            "https://auth.example.com:443",
            "https://ann@auth.example.com",
            "https://auth.example.com?",
            "https://auth.example.com#",
            " https://auth.example.com",
            "ftp://auth.example.com",
        ] {
            let problem = public_url(text).unwrap_err();
            assert!(problem.starts_with("PUBLIC_URL must be https://"), "{text}");
        }
    }

    #[test]
    fn urls_of_others() {
        for (text, path, query) in [
            ("https://app.example.com", true, true),
            ("https://app.example.com/", true, true),
            ("https://app.example.com:8443/a/b-c_d~e%20f", true, true),
            ("http://localhost:3000/confirm", true, true),
            ("https://app.example.com/a?b=c", false, true),
            ("https://app.example.com?b=c", false, true),
            ("https://app.example.com/#a", false, false),
            ("https://app.example.com/ a", false, false),
            ("https://app.example.com/ä", false, false),
            ("https://app.example.com/\"", false, false),
            ("https://app.example.com/\r\n", false, false),
            ("http://app.example.com/", false, false),
            ("https:///a", false, false),
            ("https://ann:b@app.example.com/", false, false),
            ("//app.example.com/", false, false),
            ("javascript:alert(1)", false, false),
        ] {
            assert_eq!(is_url(text, Parts::Path), path, "{text}");
            assert_eq!(is_url(text, Parts::PathAndQuery), query, "{text}");
        }
    }
}
