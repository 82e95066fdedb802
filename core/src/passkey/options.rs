//! What browsers and apps are asked for.

use serde_json::{Value, json};

use super::cose::ALGORITHMS;
use super::{CHALLENGE_LIFE, CredentialId, RelyingParty, UserHandle};

/// Whose the new passkey will be.
#[derive(Debug, Clone, Copy)]
pub struct CreationUser<'a> {
    /// What the authenticator knows the account by.
    pub handle: &'a UserHandle,
    /// What tells it from the person's other accounts, such as an e-mail address.
    pub name: &'a str,
    /// What the person is called.
    pub display_name: &'a str,
}

/// A passkey that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its id.
    pub credential_id: CredentialId,
    /// How its authenticator can be reached; none if that is not known.
    pub transports: Vec<String>,
}

impl Descriptor {
    /// `PublicKeyCredentialDescriptorJSON` (section 5.1.8).
    fn json(&self) -> Value {
        let mut json = json!({ "type": "public-key", "id": self.credential_id.as_str() });
        if !self.transports.is_empty()
            && let Some(members) = json.as_object_mut()
        {
            members.insert("transports".to_owned(), json!(self.transports));
        }
        json
    }
}

/// `PublicKeyCredentialCreationOptionsJSON` (section 5.1.8). Authenticators that have a passkey of
/// `exclude` make no other one.
#[must_use]
pub fn creation_options(
    rp: &RelyingParty,
    user: &CreationUser<'_>,
    challenge: &str,
    exclude: &[Descriptor],
) -> Value {
    let algorithm = |algorithm| json!({ "type": "public-key", "alg": algorithm });
    json!({
        "rp": { "id": rp.id, "name": rp.name },
        "user": { "id": user.handle.as_str(), "name": user.name, "displayName": user.display_name },
        "challenge": challenge,
        "pubKeyCredParams": ALGORITHMS.map(algorithm),
        "timeout": CHALLENGE_LIFE.0,
        "excludeCredentials": all(exclude),
        "authenticatorSelection": {
            "residentKey": "required",
            // Of Level 1, for clients that know no other.
            "requireResidentKey": true,
            "userVerification": "preferred",
        },
        "attestation": "none",
    })
}

/// `PublicKeyCredentialRequestOptionsJSON` (section 5.1.9). Without any of `allow`, the authenticator
/// offers what it has.
#[must_use]
pub fn request_options(rp: &RelyingParty, challenge: &str, allow: &[Descriptor]) -> Value {
    json!({
        "challenge": challenge,
        "timeout": CHALLENGE_LIFE.0,
        "rpId": rp.id,
        "allowCredentials": all(allow),
        "userVerification": "preferred",
    })
}

fn all(descriptors: &[Descriptor]) -> Vec<Value> {
    descriptors.iter().map(Descriptor::json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rp() -> RelyingParty {
        RelyingParty {
            id: "example.com".to_owned(),
            name: "Example".to_owned(),
            origins: Vec::new(),
        }
    }

    fn descriptors() -> [Descriptor; 2] {
        ["AQ", "Ag"].map(|id| Descriptor {
            credential_id: CredentialId::parse(id).unwrap(),
            transports: if id == "AQ" {
                Vec::new()
            } else {
                vec!["usb".to_owned()]
            },
        })
    }

    #[test]
    fn creation_options_are_the_standards() {
        let handle = UserHandle::parse("Aw").unwrap();
        let user = CreationUser {
            handle: &handle,
            name: "ann@example.com",
            display_name: "Ann",
        };
        let expected = json!({
            "rp": { "id": "example.com", "name": "Example" },
            "user": { "id": "Aw", "name": "ann@example.com", "displayName": "Ann" },
            "challenge": "abc",
            "pubKeyCredParams": [
                { "type": "public-key", "alg": -7 },
                { "type": "public-key", "alg": -8 },
                { "type": "public-key", "alg": -257 },
            ],
            "timeout": 300_000,
            "excludeCredentials": [
                { "type": "public-key", "id": "AQ" },
                { "type": "public-key", "id": "Ag", "transports": ["usb"] },
            ],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": "preferred",
            },
            "attestation": "none",
        });
        assert_eq!(
            creation_options(&rp(), &user, "abc", &descriptors()),
            expected
        );
    }

    #[test]
    fn request_options_are_the_standards() {
        let expected = json!({
            "challenge": "abc",
            "timeout": 300_000,
            "rpId": "example.com",
            "allowCredentials": [],
            "userVerification": "preferred",
        });
        assert_eq!(request_options(&rp(), "abc", &[]), expected);
        let options = request_options(&rp(), "abc", &descriptors());
        let ids = [
            &options["allowCredentials"][0],
            &options["allowCredentials"][1],
        ];
        assert_eq!(ids.map(|one| &one["id"]), ["AQ", "Ag"]);
    }
}
