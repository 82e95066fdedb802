//! Request bodies.

use serde_json::{Map, Value};

use super::Unexpected;
use crate::platform::http::{BodyError, Incoming};
use edge_auth_core::json;

/// The most bytes of a body (contract, "Both").
const MAX_BYTES: usize = 16 * 1024;

/// The UTF-8 byte order mark, skipped at the start (contract, "Dialect 2").
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a request has no usable body.
#[derive(Debug)]
pub(super) enum BodyProblem {
    /// `Content-Type` is not JSON.
    MediaType,
    /// More than 16 KiB.
    TooLarge,
    /// Not one JSON object.
    NotAnObject,
    /// The body did not arrive.
    Unexpected(Unexpected),
}

/// The body of `request`, of at most `limit` bytes.
pub(super) async fn bytes(request: &Incoming, limit: usize) -> Result<Vec<u8>, BodyProblem> {
    request.body(limit).await.map_err(|error| match error {
        BodyError::TooLarge => BodyProblem::TooLarge,
        BodyError::Host(error) => BodyProblem::Unexpected(error.into()),
    })
}

/// The body of `request` as one JSON object.
pub(super) async fn object(request: &Incoming) -> Result<Map<String, Value>, BodyProblem> {
    let media_type = request.header("Content-Type");
    let media_type = media_type.map_err(|error| BodyProblem::Unexpected(error.into()))?;
    if !media_type.is_some_and(|value| is_json(&value)) {
        return Err(BodyProblem::MediaType);
    }
    let body = bytes(request, MAX_BYTES).await?;
    let text = body.strip_prefix(BOM).unwrap_or(&body);
    json::object(text).map_err(|_| BodyProblem::NotAnObject)
}

/// `application/json` or `application/*+json`, with or without parameters, in any case of
/// letters (RFC 6839 section 3.1, RFC 9110 section 8.3.1).
fn is_json(content_type: &str) -> bool {
    essence(content_type)
        .to_ascii_lowercase()
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// A media type without its parameters.
pub(super) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn json_media_types() {
        for good in [
            "application/json",
            "APPLICATION/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=utf-8",
            " application/json ",
            "application/vnd.api+json",
            "application/problem+json; a=b",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "json",
            "text/json",
            "text/plain",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "application/json, text/plain",
            "application/json+x",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
