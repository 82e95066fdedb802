//! Who takes a mail, and what proves to them that it is ours.

use std::fmt;

use zeroize::Zeroizing;

use super::webhook::WebhookKey;

/// A way by which mails leave.
#[derive(Debug)]
pub enum Transport {
    /// Cloudflare's Email Service, by a binding.
    Cloudflare,
    /// Resend.
    Resend(ApiKey),
    /// Postmark.
    Postmark(ApiKey),
    /// A server that is sent the mail as JSON, and sends it on.
    Webhook {
        /// Its URL.
        url: String,
        /// Signs what it is sent.
        key: WebhookKey,
    },
}

impl Transport {
    /// What the setting and the log call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cloudflare => "cloudflare",
            Self::Resend(_) => "resend",
            Self::Postmark(_) => "postmark",
            Self::Webhook { .. } => "webhook",
        }
    }
}

/// The key of a provider's API. Never printed.
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it, worded to follow the setting's name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let is_key = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_key {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err("must be ASCII without white space")
        }
    }

    /// The key, for the header that carries it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fit_into_a_header_and_do_not_print() {
        let key = ApiKey::parse("re_123").unwrap();
        assert_eq!(key.reveal(), "re_123");
        assert_eq!(format!("{:?}", Transport::Resend(key)), "Resend(ApiKey(_))");
        for text in ["", " ", "a b", "a\n", "ä", "a\r\nX: y"] {
            assert!(ApiKey::parse(text).is_err(), "{text:?}");
        }
    }
}
