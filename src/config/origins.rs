//! `ALLOWED_ORIGINS`: whose pages may read answers.

use super::ConfigError;

/// The origins whose pages may read answers, as browsers name them in `Origin`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// None but the Worker's own.
    #[default]
    None,
    /// Any (`*`).
    Any,
    /// These alone, compared byte for byte.
    These(Vec<String>),
}

impl AllowedOrigins {
    /// Parses the setting that `read` knows by its name. It stands on its own, so that pages can
    /// read the answer where another setting is wrong.
    ///
    /// # Errors
    /// It names no origin, or something else beside.
    pub fn parse(read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let setting = "ALLOWED_ORIGINS";
        let Some(text) = read(setting) else {
            return Ok(Self::None);
        };
        let entries = text.split(|c: char| c.is_whitespace() || c == ',');
        let entries: Vec<_> = entries.filter(|entry| !entry.is_empty()).collect();
        if entries.is_empty() {
            // Set to nothing is a mistake, not the wish for none.
            return Err(ConfigError::new(setting, "is empty"));
        }
        if entries == ["*"] {
            return Ok(Self::Any);
        }
        if entries.iter().any(|entry| entry.contains('*')) {
            return Err(ConfigError::new(setting, "has a * that is not alone"));
        }
        if !entries.iter().all(|entry| is_origin(entry)) {
            let problem = "has something else than scheme://host or scheme://host:port, in lower \
                           case and without a port that is the scheme's own";
            return Err(ConfigError::new(setting, problem));
        }
        Ok(Self::These(
            entries.into_iter().map(str::to_owned).collect(),
        ))
    }
}

/// Whether `text` is an origin as browsers write it: one in another spelling would never be met
/// (HTML standard, "ASCII serialization of an origin"; URL standard, "host serializing"). `null`
/// is none: every sandboxed frame and local file has it.
pub(super) fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    // A colon within brackets belongs to an IPv6 address.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    is_scheme(scheme) && is_host(host) && port.is_none_or(|port| is_port(port, scheme))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'))
}

fn is_host(text: &str) -> bool {
    let ipv6 = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    match ipv6 {
        Some(address) => {
            address.contains(':')
                && address
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'f' | b'0'..=b'9' | b':'))
        }
        None => {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_'))
        }
    }
}

/// Browsers leave out the port that a scheme has by default.
fn is_port(text: &str, scheme: &str) -> bool {
    let default = matches!((scheme, text), ("http", "80") | ("https", "443"));
    let number = text.parse::<u16>();
    !default && number.is_ok_and(|number| number > 0 && number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<AllowedOrigins, String> {
        AllowedOrigins::parse(|name| (name == "ALLOWED_ORIGINS").then(|| value.to_owned()))
            .map_err(|error| error.to_string())
    }

    fn these(origins: &[&str]) -> Result<AllowedOrigins, String> {
        let origins = origins.iter().map(|origin| (*origin).to_owned());
        Ok(AllowedOrigins::These(origins.collect()))
    }

    #[test]
    fn origins_are_taken() {
        assert_eq!(AllowedOrigins::parse(|_| None), Ok(AllowedOrigins::None));
        assert_eq!(parse("*"), Ok(AllowedOrigins::Any));
        assert_eq!(parse(" *\n"), Ok(AllowedOrigins::Any));
        let one = "https://app.example.com";
        assert_eq!(parse(one), these(&[one]));
        assert_eq!(
            parse("https://a.example,http://localhost:5173\n\thttps://b.example, ,"),
            these(&[
                "https://a.example",
                "http://localhost:5173",
                "https://b.example"
            ])
        );
        for origin in [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://[2001:db8::1]",
            "https://xn--bcher-kva.example",
            "https://a_b.example",
            "https://example.com:80",
            "http://example.com:443",
            "https://example.com:65535",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        ] {
            assert_eq!(parse(origin), these(&[origin]));
        }
    }

    #[test]
    fn what_browsers_do_not_send_is_refused() {
        for entry in [
            "null",
            "example.com",
            "//example.com",
            "https:/example.com",
            "https://",
            "https://:8080",
            "://example.com",
            "1https://example.com",
            "HTTPS://example.com",
            "https://Example.com",
            "https://example.com/",
            "https://example.com/path",
            "https://example.com?",
            "https://example.com#",
            "https://ann@example.com",
            "https://bücher.example",
            "https://example.com:",
            "https://example.com:0",
            "https://example.com:080",
            "https://example.com:+8080",
            "https://example.com:65536",
            "https://example.com:a",
            "https://example.com:443",
            "http://example.com:80",
            "https://example.com:1:2",
            "https://[::1",
            "https://::1",
            "https://[]",
            "https://[::G]",
            "\"https://example.com\"",
            "[\"https://example.com\"]",
            "https://a.example;https://b.example",
        ] {
            let problem = "ALLOWED_ORIGINS has something else than scheme://host or \
                           scheme://host:port, in lower case and without a port that is the \
                           scheme's own";
            assert_eq!(parse(entry), Err(problem.to_owned()), "{entry}");
            let second = format!("https://example.org {entry}");
            assert_eq!(parse(&second), Err(problem.to_owned()), "{entry}");
        }
    }

    #[test]
    fn any_stands_alone() {
        for value in [
            "* https://example.com",
            "https://example.com,*",
            "* *",
            "https://*.example.com",
            "https://example.com:*",
        ] {
            let problem = "ALLOWED_ORIGINS has a * that is not alone";
            assert_eq!(parse(value), Err(problem.to_owned()), "{value}");
        }
        for value in ["", " ", ",", "\n, "] {
            assert_eq!(parse(value), Err("ALLOWED_ORIGINS is empty".to_owned()));
        }
    }
}
