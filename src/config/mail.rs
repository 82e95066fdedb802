//! Mails: who takes them, whom they come from, where their links lead, when there are any.

use edge_auth_core::mail::{ApiKey, Mailbox, Transport, WebhookKey};
use zeroize::Zeroizing;

use super::ConfigError;
use super::read::{Read, choice};
use super::urls::{Parts, PublicUrl, is_url};

/// How mails leave, and which.
#[derive(Debug)]
pub struct Mail {
    /// `MAIL` and `MAIL_FALLBACK`, in the order in which they are tried, with `MAIL_API_KEY`,
    /// `MAIL_FALLBACK_API_KEY`, `MAIL_WEBHOOK_URL` and `MAIL_WEBHOOK_SECRET`.
    pub transports: Vec<Transport>,
    /// `MAIL_FROM`: whom mails come from.
    pub from: Mailbox,
    /// The host of `PUBLIC_URL`, by which mails name the service.
    pub site: String,
    /// `LINK_URL`: where links lead. It has no query; `kind`, `id` and `token` are to be added as one.
    pub link_url: String,
    /// `EMAIL_VERIFICATION`: whether nobody signs in before the address is proven.
    pub is_verification_required: bool,
    /// `NOTICES`: whether mails tell of changes to an account.
    pub sends_notices: bool,
}

/// The values of `MAIL` and `MAIL_FALLBACK`, but for `none`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Cloudflare,
    Resend,
    Postmark,
    Webhook,
}

impl Mail {
    /// Reads the settings; none where no mail is sent.
    pub(super) fn parse(
        read: Read<'_>,
        public_url: Option<&PublicUrl>,
    ) -> Result<Option<Self>, ConfigError> {
        let (first, fallback) = (name(read, "MAIL")?, name(read, "MAIL_FALLBACK")?);
        let verification = choice(read, "EMAIL_VERIFICATION", ["optional", "required"])?;
        let notices = choice(read, "NOTICES", ["on", "off"])?;
        let link_url = read("LINK_URL");
        let Some(first) = first else {
            let needs_mail = [
                ("MAIL_FALLBACK", fallback.is_some()),
                ("EMAIL_VERIFICATION", verification == Some("required")),
            ];
            return match needs_mail.into_iter().find(|(_, is_set)| *is_set) {
                Some((setting, _)) => Err(ConfigError::new(setting, "is set, and MAIL is not")),
                None => Ok(None),
            };
        };
        if fallback == Some(first) {
            return Err(ConfigError::new("MAIL_FALLBACK", "is the same as MAIL"));
        }
        let mut transports = vec![first.transport(read, "MAIL_API_KEY")?];
        if let Some(fallback) = fallback {
            // There is one key, unless both have one.
            let key = if first.has_key() {
                "MAIL_FALLBACK_API_KEY"
            } else {
                "MAIL_API_KEY"
            };
            transports.push(fallback.transport(read, key)?);
        }
        let setting = "MAIL_FROM";
        let from = Mailbox::parse(&required(read, setting)?);
        let from = from.map_err(|problem| ConfigError::new(setting, problem))?;
        let not_set = || ConfigError::new("PUBLIC_URL", "is not set, which mails need");
        let public_url = public_url.ok_or_else(not_set)?;
        let link_url = match link_url {
            None => format!("{}/account/confirm", public_url.origin()),
            Some(url) if is_url(&url, Parts::Path) => url,
            Some(_) => {
                let problem = "must be an https:// URL without a query";
                return Err(ConfigError::new("LINK_URL", problem));
            }
        };
        Ok(Some(Self {
            transports,
            from,
            site: public_url.host().to_owned(),
            link_url,
            is_verification_required: verification == Some("required"),
            sends_notices: notices != Some("off"),
        }))
    }
}

impl Name {
    /// Whether it has an API key.
    fn has_key(self) -> bool {
        matches!(self, Self::Resend | Self::Postmark)
    }

    /// The transport of that name; its key, if it has one, is the setting `key`.
    fn transport(self, read: Read<'_>, key: &'static str) -> Result<Transport, ConfigError> {
        let api_key = || {
            let key_of = |text: String| ApiKey::parse(&Zeroizing::new(text));
            let parsed = key_of(required(read, key)?);
            parsed.map_err(|problem| ConfigError::new(key, problem))
        };
        match self {
            Self::Cloudflare => Ok(Transport::Cloudflare),
            Self::Resend => Ok(Transport::Resend(api_key()?)),
            Self::Postmark => Ok(Transport::Postmark(api_key()?)),
            Self::Webhook => {
                let setting = "MAIL_WEBHOOK_URL";
                let url = required(read, setting)?;
                if !is_url(&url, Parts::PathAndQuery) {
                    return Err(ConfigError::new(setting, "must be an https:// URL"));
                }
                let setting = "MAIL_WEBHOOK_SECRET";
                let secret = Zeroizing::new(required(read, setting)?);
                let key = WebhookKey::parse(&secret);
                let key = key.map_err(|problem| ConfigError::new(setting, problem))?;
                Ok(Transport::Webhook { url, key })
            }
        }
    }
}

/// `MAIL` or `MAIL_FALLBACK`.
fn name(read: Read<'_>, setting: &'static str) -> Result<Option<Name>, ConfigError> {
    match read(setting).as_deref() {
        None | Some("none") => Ok(None),
        Some("cloudflare") => Ok(Some(Name::Cloudflare)),
        Some("resend") => Ok(Some(Name::Resend)),
        Some("postmark") => Ok(Some(Name::Postmark)),
        Some("webhook") => Ok(Some(Name::Webhook)),
        Some(_) => {
            let problem = "must be one of none, cloudflare, resend, postmark, webhook";
            Err(ConfigError::new(setting, problem))
        }
    }
}

/// A setting that is needed by another's value.
fn required(read: Read<'_>, setting: &'static str) -> Result<String, ConfigError> {
    read(setting).ok_or_else(|| ConfigError::new(setting, "is not set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// What mails need beside `MAIL`.
    const COMMON: [(&str, &str); 2] = [
        ("PUBLIC_URL", "https://auth.example.com"),
        ("MAIL_FROM", "Example <no-reply@example.com>"),
    ];

    fn parse(settings: &[(&str, &str)]) -> Result<Option<Mail>, String> {
        let read = |name: &str| {
            let mut settings = settings.iter().chain(&COMMON);
            let found = settings.find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let public_url = PublicUrl::parse(&read).unwrap();
        Mail::parse(&read, public_url.as_ref()).map_err(|error| error.to_string())
    }

    fn mail(settings: &[(&str, &str)]) -> Mail {
        parse(settings).unwrap().unwrap()
    }

    fn problem(settings: &[(&str, &str)]) -> String {
        parse(settings).unwrap_err()
    }

    fn names(mail: &Mail) -> Vec<&str> {
        mail.transports.iter().map(Transport::name).collect()
    }

    #[test]
    fn by_default_there_is_no_mail() {
        for settings in [
            &[][..],
            &[("MAIL", "none")],
            &[("EMAIL_VERIFICATION", "optional")],
        ] {
            assert!(parse(settings).unwrap().is_none());
        }
        for (setting, value) in [
            ("MAIL_FALLBACK", "resend"),
            ("EMAIL_VERIFICATION", "required"),
        ] {
            let expected = format!("{setting} is set, and MAIL is not");
            assert_eq!(problem(&[(setting, value)]), expected);
        }
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let mail = mail(&[("MAIL", "cloudflare")]);
        assert_eq!(names(&mail), ["cloudflare"]);
        assert_eq!(mail.from.to_string(), "Example <no-reply@example.com>");
        assert_eq!(mail.site, "auth.example.com");
        assert_eq!(mail.link_url, "https://auth.example.com/account/confirm");
        assert!(!mail.is_verification_required);
        assert!(mail.sends_notices);
    }

    #[test]
    fn settings_are_taken() {
        let mail = mail(&[
            ("MAIL", "webhook"),
            ("MAIL_FALLBACK", "none"),
            ("MAIL_WEBHOOK_URL", "https://hooks.example.com/mail?a=b"),
            ("MAIL_WEBHOOK_SECRET", SECRET),
            ("LINK_URL", "https://app.example.com/confirm"),
            ("EMAIL_VERIFICATION", "required"),
            ("NOTICES", "off"),
        ]);
        assert_eq!(names(&mail), ["webhook"]);
        assert_eq!(mail.link_url, "https://app.example.com/confirm");
        assert!(mail.is_verification_required);
        assert!(!mail.sends_notices);
        assert!(!format!("{mail:?}").contains("MfKQ"), "{mail:?}");
    }

    #[test]
    fn each_transport_has_its_key() {
        let keys = |mail: &Mail| {
            let keys = mail.transports.iter().map(|transport| match transport {
                Transport::Resend(key) | Transport::Postmark(key) => key.reveal().to_owned(),
                _ => String::new(),
            });
            keys.collect::<Vec<_>>()
        };
        let two = |first, second| {
            mail(&[
                ("MAIL", first),
                ("MAIL_FALLBACK", second),
                ("MAIL_API_KEY", "one"),
                ("MAIL_FALLBACK_API_KEY", "two"),
            ])
        };
        for (first, second, expected) in [
            ("resend", "postmark", ["one", "two"]),
            ("postmark", "resend", ["one", "two"]),
            ("resend", "cloudflare", ["one", ""]),
            ("cloudflare", "postmark", ["", "one"]),
        ] {
            let mail = two(first, second);
            assert_eq!(names(&mail), [first, second]);
            assert_eq!(keys(&mail), expected, "{first} {second}");
        }
        for first in ["resend", "postmark"] {
            assert_eq!(problem(&[("MAIL", first)]), "MAIL_API_KEY is not set");
        }
        let fallback = [("MAIL", "cloudflare"), ("MAIL_FALLBACK", "resend")];
        assert_eq!(problem(&fallback), "MAIL_API_KEY is not set");
        let both = [
            ("MAIL", "resend"),
            ("MAIL_API_KEY", "one"),
            ("MAIL_FALLBACK", "postmark"),
        ];
        assert_eq!(problem(&both), "MAIL_FALLBACK_API_KEY is not set");
    }

    #[test]
    fn wrong_settings_are_named_and_not_shown() {
        let webhook = [
            ("MAIL", "webhook"),
            ("MAIL_WEBHOOK_URL", "https://hooks.example.com/"),
            ("MAIL_WEBHOOK_SECRET", SECRET),
        ];
        for (base, setting, value, expected) in [
            (
                &webhook[..],
                "MAIL",
                "smtp",
                "must be one of none, cloudflare, resend, postmark, webhook",
            ),
            (
                &webhook,
                "MAIL_FALLBACK",
                "",
                "must be one of none, cloudflare, resend, postmark, webhook",
            ),
            (&webhook, "MAIL_FALLBACK", "webhook", "is the same as MAIL"),
            (
                &webhook,
                "MAIL_FROM",
                "Example",
                "must be an address, or a name and an address in < >",
            ),
            (
                &webhook,
                "MAIL_WEBHOOK_URL",
                "http://hooks.example.com/",
                "must be an https:// URL",
            ),
            (
                &webhook,
                "MAIL_WEBHOOK_SECRET",
                "whsec_short",
                "must be whsec_ and 24 to 64 bytes in base64",
            ),
            (
                &webhook,
                "LINK_URL",
                "https://app.example.com/?a",
                "must be an https:// URL without a query",
            ),
            (
                &webhook,
                "EMAIL_VERIFICATION",
                "on",
                "must be optional or required",
            ),
            (&webhook, "NOTICES", "true", "must be on or off"),
            (
                &[("MAIL", "resend")],
                "MAIL_API_KEY",
                "a b",
                "must be ASCII without white space",
            ),
        ] {
            let settings = [&[(setting, value)], base].concat();
            assert_eq!(problem(&settings), format!("{setting} {expected}"));
        }
        let without = |missing: &str| {
            let read = |name: &str| {
                let mut settings = webhook.iter().chain(&COMMON);
                let found = settings.find(|(key, _)| *key == name && name != missing);
                found.map(|(_, value)| (*value).to_owned())
            };
            let public_url = PublicUrl::parse(&read).unwrap();
            let refused = Mail::parse(&read, public_url.as_ref()).unwrap_err();
            refused.to_string()
        };
        for setting in ["MAIL_FROM", "MAIL_WEBHOOK_URL", "MAIL_WEBHOOK_SECRET"] {
            assert_eq!(without(setting), format!("{setting} is not set"));
        }
        assert_eq!(
            without("PUBLIC_URL"),
            "PUBLIC_URL is not set, which mails need"
        );
    }
}
