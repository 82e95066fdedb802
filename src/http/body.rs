//! Request bodies.

use serde_json::{Map, Value};

use super::Refused;
use crate::platform::http::Incoming;
use edge_auth_core::json;

/// The most bytes of a body (docs/api.md, "Request bodies").
pub(super) const MAX_BYTES: usize = 16 * 1024;

/// The UTF-8 byte order mark, skipped at the start (docs/api.md, "Request bodies").
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The members of a body.
pub(crate) type Members = Map<String, Value>;

/// The body of `request` as one JSON object.
pub(crate) async fn object(request: &Incoming) -> Result<Members, Refused> {
    let media_type = request.header("Content-Type")?;
    if !media_type.is_some_and(|value| is_json(&value)) {
        return Err(Refused::MediaType("Content-Type must be application/json"));
    }
    let body = request.body(MAX_BYTES).await?;
    let text = body.strip_prefix(BOM).unwrap_or(&body);
    json::object(text).map_err(|_| Refused::NotAnObject)
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
pub(crate) fn essence(content_type: &str) -> &str {
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
