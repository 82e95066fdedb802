//! What the browser or the system says of the ceremony: `CollectedClientData` (section 5.8.1).

use serde_json::{Map, Value};

use super::InvalidPasskey;
use super::challenge::Challenge;
use crate::json;

/// The two ceremonies' values of `type`.
pub(super) const CREATE: &str = "webauthn.create";
pub(super) const GET: &str = "webauthn.get";

/// `clientDataJSON`, read as strictly as any other JSON. Members that are not known stay unread: the
/// standard adds some.
#[derive(Debug)]
pub(super) struct ClientData {
    members: Map<String, Value>,
    challenge: String,
}

impl ClientData {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, InvalidPasskey> {
        let members = json::object(bytes).map_err(|_| InvalidPasskey::ClientData)?;
        let challenge = members.get("challenge").and_then(Value::as_str);
        let challenge = challenge.ok_or(InvalidPasskey::ClientData)?.to_owned();
        Ok(Self { members, challenge })
    }

    pub(super) fn challenge(&self) -> &str {
        &self.challenge
    }

    /// What sections 7.1 and 7.2 ask of it: by the settings alone, never by the request. No
    /// page of another site may frame the ceremony.
    pub(super) fn check(
        &self,
        ceremony: &str,
        challenge: &Challenge,
        origins: &[String],
    ) -> Result<(), InvalidPasskey> {
        let text = |name| {
            let member = self.members.get(name).and_then(Value::as_str);
            member.ok_or(InvalidPasskey::ClientData)
        };
        if text("type")? != ceremony {
            return Err(InvalidPasskey::Type);
        }
        if self.challenge != challenge.as_str() {
            return Err(InvalidPasskey::Challenge);
        }
        let origin = text("origin")?;
        if !origins.iter().any(|allowed| allowed == origin) {
            return Err(InvalidPasskey::Origin);
        }
        let crosses = self.members.get("crossOrigin");
        if crosses.is_some_and(|value| *value != false) || self.members.contains_key("topOrigin") {
            return Err(InvalidPasskey::Embedded);
        }
        Ok(())
    }
}
