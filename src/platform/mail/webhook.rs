//! A server of the operator's own, which is sent mails as JSON (docs/mail.md, "Webhook").

use edge_auth_core::mail::WebhookKey;
use serde_json::json;

use super::{Submission, json_request};
use crate::platform::outbound::Request;

/// The request that sends a mail at `now`, Unix time in seconds, signed after Standard Webhooks.
pub(super) fn request(
    submission: &Submission<'_>,
    url: &str,
    key: &WebhookKey,
    now: u64,
) -> Request {
    let message = submission.message;
    let body = json!({
        "to": submission.to.as_str(),
        "from": submission.from.to_string(),
        "subject": message.subject(),
        "text": message.text(),
        "html": message.html(),
        "kind": submission.kind.name(),
        "language": submission.language.code(),
    });
    let body = body.to_string();
    let id = submission.idempotency_key;
    let headers = vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.to_string()),
        ("webhook-signature", key.signature(id, now, &body)),
    ];
    json_request(url, headers, body)
}
