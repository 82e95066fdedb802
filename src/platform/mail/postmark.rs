//! Postmark (its reference, "Email API").

use edge_auth_core::mail::ApiKey;
use serde_json::{Value, json};

use super::{AUTO_SUBMITTED, Submission, json_request};
use crate::platform::outbound::Request;

/// The request that sends a mail. Postmark has no key by which it knows a second try.
pub(super) fn request(submission: &Submission<'_>, key: &ApiKey) -> Request {
    let message = submission.message;
    let (name, value) = AUTO_SUBMITTED;
    let body = json!({
        "From": submission.from.to_string(),
        "To": submission.to.as_str(),
        "Subject": message.subject(),
        "TextBody": message.text(),
        "HtmlBody": message.html(),
        "Headers": [{"Name": name, "Value": value}],
        "MessageStream": "outbound",
        "TrackOpens": false,
        "TrackLinks": "None",
    });
    let headers = vec![
        ("Accept", "application/json".to_owned()),
        ("X-Postmark-Server-Token", key.reveal().to_owned()),
    ];
    json_request(
        "https://api.postmarkapp.com/email",
        headers,
        body.to_string(),
    )
}

/// The code of its error, a number.
pub(super) fn code_of(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let code = body.get("ErrorCode")?.as_u64()?;
    Some(code.to_string())
}
