//! Passkeys: who asks for them, and whose pages and apps may use them.

use base64ct::{Base64UrlUnpadded, Encoding};
use edge_auth_core::passkey::RelyingParty;

use super::ConfigError;
use super::origins::{AllowedOrigins, is_origin};
use super::read::Read;
use super::urls::{PublicUrl, host, is_safe_scheme};

/// What the origin of an Android app begins with; the SHA-256 of its certificate follows.
const ANDROID: &str = "android:apk-key-hash:";

/// Bytes of SHA-256.
const HASH_BYTES: usize = 32;

/// The most characters of a name that authenticators have to keep (WebAuthn Level 3 section 6.4.1).
const MAX_NAME_CHARACTERS: usize = 64;

/// The relying party of passkeys.
#[derive(Debug, PartialEq, Eq)]
pub struct Passkeys {
    /// `WEBAUTHN_RP_ID`, `WEBAUTHN_RP_NAME` and `WEBAUTHN_ORIGINS`.
    pub rp: RelyingParty,
    /// Those of the origins that are of other domains, as browsers ask at
    /// `/.well-known/webauthn` (WebAuthn Level 3 section 5.11).
    pub related_origins: Vec<String>,
}

impl Passkeys {
    /// Reads the settings; none where there is no domain, so that there are no passkeys.
    pub(super) fn parse(
        read: Read<'_>,
        public_url: Option<&PublicUrl>,
        allowed_origins: &AllowedOrigins,
    ) -> Result<Option<Self>, ConfigError> {
        let public_host = public_url.map(PublicUrl::host);
        let Some(id) = rp_id(read, public_host)? else {
            for setting in ["WEBAUTHN_ORIGINS", "WEBAUTHN_RP_NAME"] {
                if read(setting).is_some() {
                    let problem =
                        "is set, and neither WEBAUTHN_RP_ID nor a PUBLIC_URL with a domain";
                    return Err(ConfigError::new(setting, problem));
                }
            }
            return Ok(None);
        };
        let origins = match read("WEBAUTHN_ORIGINS") {
            Some(text) => listed(&text)?,
            None => {
                let own = public_url.map(PublicUrl::origin);
                let others = match allowed_origins {
                    AllowedOrigins::These(origins) => origins.as_slice(),
                    AllowedOrigins::None | AllowedOrigins::Any => &[],
                };
                let mut origins: Vec<String> = Vec::new();
                for origin in own.into_iter().chain(others.iter().map(String::as_str)) {
                    let is_new = !origins.iter().any(|known| known == origin);
                    if is_new && is_safe_scheme(origin) && is_under(origin, &id) {
                        origins.push(origin.to_owned());
                    }
                }
                origins
            }
        };
        if origins.is_empty() {
            let problem = "is not set, and PUBLIC_URL is not under WEBAUTHN_RP_ID";
            return Err(ConfigError::new("WEBAUTHN_ORIGINS", problem));
        }
        let is_related = |origin: &&String| !origin.starts_with(ANDROID) && !is_under(origin, &id);
        let related_origins = origins.iter().filter(is_related).cloned().collect();
        Ok(Some(Self {
            rp: RelyingParty {
                name: rp_name(read)?.unwrap_or_else(|| id.clone()),
                id,
                origins,
            },
            related_origins,
        }))
    }
}

/// `WEBAUTHN_RP_ID`, or the host of `PUBLIC_URL` if it is a domain.
fn rp_id(read: Read<'_>, public_host: Option<&str>) -> Result<Option<String>, ConfigError> {
    match read("WEBAUTHN_RP_ID") {
        Some(text) if is_domain(&text) => Ok(Some(text)),
        Some(_) => {
            let problem = "must be a domain in lower case, without scheme and port";
            Err(ConfigError::new("WEBAUTHN_RP_ID", problem))
        }
        None => Ok(public_host
            .filter(|host| is_domain(host))
            .map(str::to_owned)),
    }
}

fn rp_name(read: Read<'_>) -> Result<Option<String>, ConfigError> {
    let Some(name) = read("WEBAUTHN_RP_NAME") else {
        return Ok(None);
    };
    let length = name.chars().count();
    let is_trimmed = name.trim().len() == name.len();
    if (1..=MAX_NAME_CHARACTERS).contains(&length) && is_trimmed && !name.contains(char::is_control)
    {
        return Ok(Some(name));
    }
    let problem = "must be 1 to 64 characters, without white space around them";
    Err(ConfigError::new("WEBAUTHN_RP_NAME", problem))
}

/// `WEBAUTHN_ORIGINS`.
fn listed(text: &str) -> Result<Vec<String>, ConfigError> {
    let setting = "WEBAUTHN_ORIGINS";
    let entries = text.split(|c: char| c.is_whitespace() || c == ',');
    let entries: Vec<_> = entries.filter(|entry| !entry.is_empty()).collect();
    if entries.is_empty() {
        return Err(ConfigError::new(setting, "is empty"));
    }
    let is_web = |entry: &&str| is_origin(entry) && is_safe_scheme(entry);
    if entries.iter().all(|entry| is_web(entry) || is_app(entry)) {
        return Ok(entries.into_iter().map(str::to_owned).collect());
    }
    let problem = "has something else than https://host, https://host:port, the same of \
                   http://localhost, or android:apk-key-hash: and a hash in base64url";
    Err(ConfigError::new(setting, problem))
}

fn is_app(entry: &str) -> bool {
    let hash = entry
        .strip_prefix(ANDROID)
        .map(Base64UrlUnpadded::decode_vec);
    matches!(hash, Some(Ok(hash)) if hash.len() == HASH_BYTES)
}

/// Whether `text` is a domain (URL Standard, "valid domain"), and no address of IP.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 253
        && text.split('.').all(is_label)
        && text.rsplit('.').next().is_some_and(|last| !is_number(last))
}

/// Whether the origin's host is the domain or one below it.
fn is_under(origin: &str, domain: &str) -> bool {
    let rest = host(origin).strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    fn parse(settings: &[(&str, &str)]) -> Result<Option<Passkeys>, String> {
        let read = |name: &str| {
            let given = settings.iter().find(|(key, _)| *key == name);
            given.map(|(_, value)| (*value).to_owned())
        };
        let parsed = || {
            let public_url = PublicUrl::parse(&read)?;
            Passkeys::parse(&read, public_url.as_ref(), &AllowedOrigins::parse(read)?)
        };
        parsed().map_err(|error: ConfigError| error.to_string())
    }

    fn passkeys(settings: &[(&str, &str)]) -> Passkeys {
        parse(settings).unwrap().unwrap()
    }

    #[test]
    fn the_public_url_is_enough() {
        let found = passkeys(&[("PUBLIC_URL", "https://auth.example.com:8443")]);
        assert_eq!(
            (&*found.rp.id, &*found.rp.name),
            ("auth.example.com", "auth.example.com")
        );
        assert_eq!(found.rp.origins, ["https://auth.example.com:8443"]);
        assert!(found.related_origins.is_empty());
        let local = passkeys(&[("PUBLIC_URL", "http://localhost:8787")]);
        assert_eq!(
            (&*local.rp.id, &*local.rp.origins[0]),
            ("localhost", "http://localhost:8787")
        );
    }

    #[test]
    fn without_a_domain_there_are_no_passkeys() {
        assert_eq!(parse(&[]), Ok(None));
        for url in ["https://192.0.2.1", "https://[2001:db8::1]:8443"] {
            assert_eq!(parse(&[("PUBLIC_URL", url)]), Ok(None), "{url}");
        }
        for (setting, value) in [
            ("WEBAUTHN_ORIGINS", "https://a.example"),
            ("WEBAUTHN_RP_NAME", "A"),
        ] {
            let problem = parse(&[(setting, value)]).unwrap_err();
            assert!(
                problem.starts_with(&format!("{setting} is set")),
                "{problem}"
            );
        }
    }

    #[test]
    fn allowed_origins_under_the_id_are_taken() {
        let settings = [
            ("PUBLIC_URL", "https://auth.example.com"),
            ("WEBAUTHN_RP_ID", "example.com"),
            (
                "ALLOWED_ORIGINS",
                "https://example.com https://app.example.com:8443 https://auth.example.com \
                 https://badexample.com https://example.com.evil.example http://app.example.com \
                 app.example://example.com",
            ),
        ];
        let expected = [
            "https://auth.example.com",
            "https://example.com",
            "https://app.example.com:8443",
        ];
        assert_eq!(passkeys(&settings).rp.origins, expected);
        let any = passkeys(&[
            ("PUBLIC_URL", "https://a.example"),
            ("ALLOWED_ORIGINS", "*"),
        ]);
        assert_eq!(any.rp.origins, ["https://a.example"]);
        let settings = [
            ("PUBLIC_URL", "https://a.example"),
            ("WEBAUTHN_RP_ID", "b.example"),
        ];
        let problem = parse(&settings).unwrap_err();
        assert!(
            problem.starts_with("WEBAUTHN_ORIGINS is not set"),
            "{problem}"
        );
    }

    #[test]
    fn origins_of_other_domains_are_related() {
        let origins =
            format!("https://example.com, {APP}\nhttps://example.org https://x.example.com");
        let settings = [
            ("WEBAUTHN_RP_ID", "example.com"),
            ("WEBAUTHN_ORIGINS", &*origins),
        ];
        let found = passkeys(&settings);
        let expected = [
            "https://example.com",
            APP,
            "https://example.org",
            "https://x.example.com",
        ];
        assert_eq!(found.rp.origins, expected);
        assert_eq!(found.related_origins, ["https://example.org"]);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for id in [
            "",
            "Example.com",
            "https://example.com",
            "example.com:443",
            "example.com/",
            ".example.com",
            "example.com.",
            "exa mple.com",
            "-a.example",
            "192.0.2.1",
            "ex\u{e4}mple.com",
            &"a.".repeat(130),
        ] {
            let problem = parse(&[("WEBAUTHN_RP_ID", id)]).unwrap_err();
            assert!(problem.starts_with("WEBAUTHN_RP_ID must be"), "{id}");
        }
        for origins in [
            "*",
            "http://example.com",
            "https://example.com/",
            "https://Example.com",
            "example.com",
            "android:apk-key-hash:",
            "android:apk-key-hash:abc",
            "android:apk-key-hash:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "ios:bundle-id:com.example",
        ] {
            let settings = [
                ("WEBAUTHN_RP_ID", "example.com"),
                ("WEBAUTHN_ORIGINS", origins),
            ];
            let problem = parse(&settings).unwrap_err();
            assert!(problem.starts_with("WEBAUTHN_ORIGINS has"), "{origins}");
        }
        let settings = [
            ("WEBAUTHN_RP_ID", "example.com"),
            ("WEBAUTHN_ORIGINS", " ,"),
        ];
        assert_eq!(
            parse(&settings),
            Err("WEBAUTHN_ORIGINS is empty".to_owned())
        );
        for name in ["", " A", "A\n", "A\u{0}B", &"a".repeat(65)] {
            let settings = [
                ("PUBLIC_URL", "https://a.example"),
                ("WEBAUTHN_RP_NAME", name),
            ];
            let problem = parse(&settings).unwrap_err();
            assert!(problem.starts_with("WEBAUTHN_RP_NAME must be"), "{name:?}");
        }
    }

    #[test]
    fn the_name_is_the_one_that_is_set() {
        let settings = [
            ("PUBLIC_URL", "https://a.example"),
            ("WEBAUTHN_RP_NAME", "Ann's Shop"),
        ];
        assert_eq!(passkeys(&settings).rp.name, "Ann's Shop");
    }
}
