//! Issuing access tokens.

use jwt_compact::{Claims, CreationError};
use serde::Serialize;

use super::ACCESS;
use super::jti::{self, token_id};
use super::key::SigningKey;
use crate::session::SessionId;
use crate::sign_in::SignedIn;
use crate::time::{Seconds, UnixSeconds};

/// What an access token is issued with.
#[derive(Debug, Clone, Copy)]
pub struct Issue<'a> {
    /// The claim `iss`.
    pub issuer: &'a str,
    /// For `iat` and `nbf`.
    pub now: UnixSeconds,
    /// From then until `exp`.
    pub lifetime: Seconds,
    /// Random bytes for `jti`.
    pub jti: [u8; jti::RANDOM_BYTES],
    /// Who: the account for `sub` and `identity`, its epoch, which travels in `jti`, and the claims
    /// `auth_time` and `amr`.
    pub signed_in: &'a SignedIn,
    /// The claim `role`.
    pub role: &'a str,
    /// The claim `sid`, of a token that belongs to a session.
    pub session: Option<&'a SessionId>,
}

/// Signs an access token.
///
/// # Errors
/// None in practice: the claims are plain JSON.
pub fn sign(issue: Issue<'_>, key: &SigningKey) -> Result<String, CreationError> {
    let (signed_in, proof) = (issue.signed_in, issue.signed_in.proof());
    let claims = Claims::new(AccessClaims {
        iss: issue.issuer,
        sub: signed_in.user_id().to_string(),
        identity: signed_in.user_id().get(),
        token_type: ACCESS,
        // As both old services issue it (recordings, "token shape").
        fresh: false,
        role: issue.role,
        iat: issue.now.0,
        nbf: issue.now.0,
        exp: issue.now.plus(issue.lifetime).0,
        jti: token_id(&issue.jti, signed_in.epoch()),
        sid: issue.session.map(SessionId::as_str),
        auth_time: proof.auth_time.0,
        amr: proof.amr.claim(),
    });
    key.token(&claims)
}

/// The claims of an access token (docs/api.md, "Access tokens").
#[derive(Serialize)]
struct AccessClaims<'a> {
    iss: &'a str,
    sub: String,
    identity: i64,
    #[serde(rename = "type")]
    token_type: &'static str,
    fresh: bool,
    role: &'a str,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    auth_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<&'a str>>,
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding};
    use serde_json::{Value, json};

    use super::super::test_keys::hmac;
    use super::*;
    use crate::account::UserId;
    use crate::proof::{Amr, Method, Proof};

    #[test]
    fn issues_the_documented_header_and_claims() {
        let proof = Proof {
            auth_time: UnixSeconds(1_699_999_000),
            amr: Amr::of(Method::Password, None),
        };
        let issue = Issue {
            issuer: "edge-auth",
            now: UnixSeconds(1_700_000_000),
            lifetime: Seconds(900),
            jti: [3; 16],
            signed_in: &SignedIn::resumed(UserId::new(7).unwrap(), 4, proof),
            role: "customer",
            session: None,
        };
        let token = sign(issue, &hmac()).unwrap();
        let mut segments = token.split('.');
        let mut read = || -> Value {
            let bytes = Base64UrlUnpadded::decode_vec(segments.next().unwrap()).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        let kid = hmac().kid().to_owned();
        assert_eq!(read(), json!({ "alg": "HS256", "typ": "JWT", "kid": kid }));
        let claims = json!({
            "iss": "edge-auth", "sub": "7", "identity": 7, "type": "access", "fresh": false,
            "role": "customer", "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 1_700_000_900,
            "jti": "AwMDAwMDAwMDAwMDAwMDAw.4", "auth_time": 1_699_999_000,
        });
        assert_eq!(read(), claims);
    }
}
