//! Verifying access tokens, ours and those of the old services.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value};

use super::jti::epoch_of;
use super::key::Key;
use super::keys::Keys;
use super::{ACCESS, AccessToken, CriticalProblem, Segment, TimeClaim, TokenError};
use crate::account::UserId;
use crate::json;
use crate::proof::Amr;
use crate::session::SessionId;
use crate::time::{Seconds, UnixSeconds};

/// The longest token that is looked at, in bytes (docs/api.md, "Access tokens").
const MAX_BYTES: usize = 8 * 1024;

/// How far in the future `nbf` and `iat` may lie (docs/api.md, "Access tokens").
const LEEWAY: Seconds = Seconds(10);

/// The audience of a token that a second factor is still to come for: it opens nothing here.
const HALF_SIGNED_IN: &str = "second-factor";

/// Checks `token` as docs/api.md, "Access tokens", asks, at the time `now`.
///
/// # Errors
/// The first check that fails, in the order in which the old libraries make them.
pub fn verify(
    token: &str,
    issuer: &str,
    now: UnixSeconds,
    keys: &Keys,
) -> Result<AccessToken, TokenError> {
    if token.len() > MAX_BYTES {
        return Err(TokenError::NotEnoughSegments);
    }
    let (message, signature) = token
        .rsplit_once('.')
        .ok_or(TokenError::NotEnoughSegments)?;
    let (header, payload) = message
        .split_once('.')
        .ok_or(TokenError::NotEnoughSegments)?;

    let header = decode(header, Segment::Header)?;
    let header = json::object(&header).map_err(TokenError::Header)?;
    let payload = decode(payload, Segment::Payload)?;
    let signature = decode(signature, Segment::Signature)?;

    let candidates = check_header(&header, keys)?;
    let claims = json::object(&payload);
    let made_it = |key: &&Key| key.verifies(message.as_bytes(), &signature);
    if !candidates.iter().any(made_it) {
        return Err(TokenError::Signature {
            payload: claims.err(),
        });
    }
    let claims = claims.map_err(|problem| {
        python_number(&payload, issuer, now).unwrap_or(TokenError::Payload(problem))
    })?;
    check_claims(claims, issuer, now)
}

/// What the old libraries say of a payload with a number that only Python's JSON has: they read it
/// and refuse the claim (recordings, "exp NaN"). `None` where there is no such number.
fn python_number(payload: &[u8], issuer: &str, now: UnixSeconds) -> Option<TokenError> {
    let mut text = str::from_utf8(payload).ok()?.to_owned();
    for number in ["-Infinity", "Infinity", "NaN"] {
        text = text.replace(number, "\"\"");
    }
    check_claims(json::object(text.as_bytes()).ok()?, issuer, now).err()
}

fn decode(text: &str, segment: Segment) -> Result<Vec<u8>, TokenError> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| TokenError::Padding(segment))
}

/// The keys that may have signed a token of that header. Nothing else in it counts: no embedded or
/// linked key is ever used (RFC 8725 section 3.5).
fn check_header<'a>(
    header: &Map<String, Value>,
    keys: &'a Keys,
) -> Result<Vec<&'a Key>, TokenError> {
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.as_str()),
        Some(_) => return Err(TokenError::KeyIdNotAString),
    };
    if let Some(critical) = header.get("crit") {
        return Err(TokenError::Critical(critical_problem(critical, header)));
    }
    let algorithm = header.get("alg").ok_or(TokenError::AlgorithmMissing)?;
    let algorithm = algorithm.as_str().ok_or(TokenError::AlgorithmNotAllowed)?;
    let candidates = keys.candidates(algorithm, kid);
    if candidates.is_empty() {
        return Err(TokenError::AlgorithmNotAllowed);
    }
    Ok(candidates)
}

fn critical_problem(critical: &Value, header: &Map<String, Value>) -> CriticalProblem {
    let names = critical.as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Option<Vec<_>> = names.iter().map(Value::as_str).collect();
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        return CriticalProblem::NotAList;
    };
    match names.iter().find(|name| **name != "b64") {
        Some(name) => CriticalProblem::Unsupported((*name).to_owned()),
        None if header.get("b64") == Some(&Value::Bool(false)) => CriticalProblem::UnencodedPayload,
        None => CriticalProblem::Unsupported("b64".to_owned()),
    }
}

fn check_claims(
    mut claims: Map<String, Value>,
    issuer: &str,
    now: UnixSeconds,
) -> Result<AccessToken, TokenError> {
    let latest = now.plus(LEEWAY).numeric_date();
    let mut past = |name, claim| match json::take(&mut claims, name) {
        None => Ok(None),
        Some(time) => match time.as_f64() {
            None => Err(TokenError::NotANumber(claim)),
            Some(time) if time > latest => Err(TokenError::InTheFuture(claim)),
            time => Ok(time),
        },
    };
    let issued_at = past("iat", TimeClaim::IssuedAt)?;
    past("nbf", TimeClaim::NotBefore)?;
    let expires_at = match json::take(&mut claims, "exp") {
        None => return Err(TokenError::ExpirationMissing),
        // Python counts true as 1 and false as 0, both long past (recordings, "exp true").
        Some(Value::Bool(time)) => f64::from(u8::from(time)),
        Some(time) => {
            let claim = TimeClaim::ExpirationTime;
            time.as_f64().ok_or(TokenError::NotANumber(claim))?
        }
    };
    if json::take(&mut claims, "iss").is_some_and(|foreign| foreign != issuer) {
        return Err(TokenError::Issuer);
    }
    let subject = match json::take(&mut claims, "sub") {
        None => None,
        Some(Value::String(subject)) => Some(subject),
        Some(_) => return Err(TokenError::SubjectNotAString),
    };
    let jti = match json::take(&mut claims, "jti") {
        None => None,
        Some(Value::String(jti)) => Some(jti),
        Some(_) => return Err(TokenError::TokenIdNotAString),
    };
    let identified = |identity: &Value| identity.as_i64().and_then(UserId::new);
    let subject = match (subject, json::take(&mut claims, "identity")) {
        (Some(subject), identity) => {
            let subject = UserId::from_digits(&subject).ok_or(subject);
            match (&subject, identity.as_ref().and_then(identified)) {
                (Ok(one), Some(other)) if *one != other => return Err(TokenError::SubjectsDiffer),
                _ => subject,
            }
        }
        (None, Some(identity)) => identified(&identity).ok_or_else(|| text_of(identity)),
        (None, None) => return Err(TokenError::SubjectMissing),
    };
    if expires_at <= now.numeric_date() {
        return Err(TokenError::Expired);
    }
    let is_half = json::take(&mut claims, "aud").is_some_and(|aud| aud == HALF_SIGNED_IN);
    if is_half || json::take(&mut claims, "type").is_some_and(|token_type| token_type != ACCESS) {
        return Err(TokenError::NotAnAccessToken);
    }
    let auth_time =
        json::take(&mut claims, "auth_time").and_then(|time| time.as_u64().map(UnixSeconds));
    let amr = json::take(&mut claims, "amr");
    let amr = amr.as_ref().and_then(Value::as_array).map(Vec::as_slice);
    let amr = amr.unwrap_or_default().iter();
    let amr: Vec<_> = amr.filter_map(Value::as_str).collect();
    let mut text = |name| match json::take(&mut claims, name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    Ok(AccessToken {
        subject,
        epoch: jti.as_deref().and_then(epoch_of),
        jti,
        session: text("sid").map(SessionId::claimed),
        role: text("role"),
        auth_time,
        amr: Amr::claimed(&amr),
        issued_at,
        expires_at,
    })
}

/// A claim's value without the quotes of a JSON string.
fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
