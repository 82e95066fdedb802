//! Signatures of webhooks (Standard Webhooks 1.0.0, "Signature scheme").

use std::fmt;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key of a webhook's signatures. Never printed.
pub struct WebhookKey(Hmac<Sha256>);

impl WebhookKey {
    /// Reads `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// What is wrong with it, worded to follow the setting's name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let problem = "must be whsec_ and 24 to 64 bytes in base64";
        let encoded = text.strip_prefix("whsec_").ok_or(problem)?;
        let bytes = Base64::decode_vec(encoded).map_err(|_| problem)?;
        let bytes = Zeroizing::new(bytes);
        if !(24..=64).contains(&bytes.len()) {
            return Err(problem);
        }
        let key = Hmac::new_from_slice(&bytes).map_err(|_| problem)?;
        Ok(Self(key))
    }

    /// The header `webhook-signature` of a message: its id, when it is sent, in seconds of Unix time,
    /// and its body. The id has no dot.
    #[must_use]
    pub fn signature(&self, id: &str, timestamp: u64, body: &str) -> String {
        let mut hash = self.0.clone();
        hash.update(format!("{id}.{timestamp}.{body}").as_bytes());
        let bytes = hash.finalize().into_bytes();
        format!("v1,{}", Base64::encode_string(&bytes))
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookKey(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That of the specification's own libraries.
    #[test]
    fn the_published_vector() {
        let key = WebhookKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = key.signature(id, 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(format!("{key:?}"), "WebhookKey(_)");
    }

    #[test]
    fn keys_have_a_prefix_and_a_length() {
        let of = |bytes: usize| format!("whsec_{}", Base64::encode_string(&vec![1; bytes]));
        for bytes in [24, 64] {
            assert!(WebhookKey::parse(&of(bytes)).is_ok(), "{bytes}");
        }
        let unprefixed = of(32).replace("whsec_", "");
        for text in ["", "whsec_", "whsec_?", &of(23), &of(65), &unprefixed] {
            let problem = WebhookKey::parse(text).unwrap_err();
            assert_eq!(
                problem, "must be whsec_ and 24 to 64 bytes in base64",
                "{text}"
            );
        }
    }
}
