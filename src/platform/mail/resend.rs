//! Resend (its reference, "Send Email").

use edge_auth_core::mail::ApiKey;
use serde_json::{Value, json};

use super::{AUTO_SUBMITTED, Submission, json_request};
use crate::platform::outbound::Request;

/// The code of an answer to the second of two requests with one key, while the first one is worked on.
pub(super) const CONCURRENT: &str = "concurrent_idempotent_requests";

/// The request that sends a mail.
pub(super) fn request(submission: &Submission<'_>, key: &ApiKey) -> Request {
    let message = submission.message;
    let (name, value) = AUTO_SUBMITTED;
    let body = json!({
        "from": submission.from.to_string(),
        "to": [submission.to.as_str()],
        "subject": message.subject(),
        "text": message.text(),
        "html": message.html(),
        "headers": {name: value},
    });
    let headers = vec![
        ("Authorization", format!("Bearer {}", key.reveal())),
        ("Idempotency-Key", submission.idempotency_key.to_owned()),
    ];
    json_request("https://api.resend.com/emails", headers, body.to_string())
}

/// The code of its error.
pub(super) fn code_of(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    body.get("name")?.as_str().map(str::to_owned)
}
