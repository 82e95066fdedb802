//! How mails leave: by a binding of Cloudflare's, or by one request to a provider.

mod cloudflare;
mod postmark;
mod resend;
mod webhook;

use std::fmt;

use edge_auth_core::mail::{Address, Kind, Language, Mailbox, Message, Transport};
use wasm_bindgen::JsValue;

use super::HostError;
use super::clock;
use super::outbound::{Answer, Limits, Request};

/// A transport that says nothing for that long is taken to be away.
const LIMITS: Limits = Limits {
    milliseconds: 10_000,
    body_bytes: 4096,
    reads_errors_alone: true,
};

/// A mail on its way (RFC 6409 calls that a submission).
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// Whom it goes to.
    pub to: &'a Address,
    /// Whom it comes from.
    pub from: &'a Mailbox,
    /// What it says.
    pub message: &'a Message,
    /// What it is about.
    pub kind: Kind,
    /// Its language.
    pub language: Language,
    /// The same for each try at one mail and no other, so that it arrives once: at most 64 letters,
    /// digits, `-` and `_`.
    pub idempotency_key: &'a str,
}

/// Why a mail was not taken. The text is for the log; it names neither the recipient nor a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// This mail will not be taken later either: the sender is not verified, the recipient has asked for
    /// no more, the request or its key is wrong.
    Refused(String),
    /// It may be taken later: there is no answer, an answer of 5xx, or a quota that is used up.
    Unavailable(String),
}

impl NotSent {
    /// Whether it makes sense to try again later.
    #[must_use]
    pub fn may_be_sent_later(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) => write!(formatter, "refused by {text}"),
            Self::Unavailable(text) => write!(formatter, "not taken by {text}"),
        }
    }
}

/// What sends mails. The binding is looked up when it is asked for.
#[derive(Debug)]
pub struct Mailer(JsValue);

impl Mailer {
    /// That of the Worker's environment.
    #[must_use]
    pub fn new(env: &JsValue) -> Self {
        Self(env.clone())
    }

    /// Sends a mail by the first of `transports` that takes it.
    ///
    /// # Errors
    /// What each of them said. It may be sent later if one of them may take it then.
    pub async fn send(
        &self,
        transports: &[Transport],
        submission: &Submission<'_>,
    ) -> Result<(), NotSent> {
        let mut problems = Vec::new();
        let mut may_be_sent_later = false;
        for transport in transports {
            let not_sent = match self.send_by(transport, submission).await {
                Ok(()) => return Ok(()),
                Err(not_sent) => not_sent,
            };
            may_be_sent_later |= not_sent.may_be_sent_later();
            let (NotSent::Refused(text) | NotSent::Unavailable(text)) = not_sent;
            problems.push(text);
        }
        let text = problems.join("; ");
        Err(if may_be_sent_later {
            NotSent::Unavailable(text)
        } else {
            NotSent::Refused(text)
        })
    }

    /// Sends a mail by this transport.
    ///
    /// # Errors
    /// It does not take the mail.
    pub async fn send_by(
        &self,
        transport: &Transport,
        submission: &Submission<'_>,
    ) -> Result<(), NotSent> {
        let (request, code_of): (_, fn(&str) -> Option<String>) = match transport {
            Transport::Cloudflare => return cloudflare::send(&self.0, submission).await,
            Transport::Resend(key) => (resend::request(submission, key), resend::code_of),
            Transport::Postmark(key) => (postmark::request(submission, key), postmark::code_of),
            Transport::Webhook { url, key } => {
                let now = clock::now();
                (
                    webhook::request(submission, url, key, now.seconds().0),
                    |_| None,
                )
            }
        };
        let answer = request.send(LIMITS).await;
        judge(transport.name(), answer, code_of)
    }
}

/// Whether a provider has taken a mail. Of what it says beside its status, only the code of its error
/// counts: the rest may name the recipient.
fn judge(
    name: &str,
    answer: Result<Answer, HostError>,
    code_of: fn(&str) -> Option<String>,
) -> Result<(), NotSent> {
    let Answer { status, body } = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(NotSent::Unavailable(format!("{name}: {error}"))),
    };
    let code = code_of(&body).filter(|code| is_code(code));
    let text = match &code {
        Some(code) => format!("{name}: {status} {code}"),
        None => format!("{name}: {status}"),
    };
    match status {
        200..=299 => Ok(()),
        // It was too slow, or there were too many (RFC 9110 section 15.5.9, RFC 6585 section 4).
        408 | 425 | 429 | 500.. => Err(NotSent::Unavailable(text)),
        // The mail is on its way already, or not: only a later try can tell.
        _ if code.as_deref() == Some(resend::CONCURRENT) => Err(NotSent::Unavailable(text)),
        _ => Err(NotSent::Refused(text)),
    }
}

/// Whether a text is an error's code and nothing else.
fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// Tells other machines not to answer (RFC 3834 section 5).
const AUTO_SUBMITTED: (&str, &str) = ("Auto-Submitted", "auto-generated");

/// A request that posts JSON.
fn json_request(url: &str, headers: Vec<(&'static str, String)>, body: String) -> Request {
    let mut all = vec![("Content-Type", "application/json".to_owned())];
    all.extend(headers);
    Request {
        url: url.to_owned(),
        headers: all,
        body: Some(body),
    }
}

#[cfg(test)]
mod tests {
    use edge_auth_core::account::Email;
    use edge_auth_core::mail::{ApiKey, Browser, Letter, WebhookKey};
    use edge_auth_core::time::{Milliseconds, UnixMillis};
    use serde_json::{Value, json};

    use super::*;

    const KEY: &str = "a-b_c";

    fn with_submission<T>(then: impl FnOnce(&Submission<'_>) -> T) -> T {
        let letter = Letter {
            kind: Kind::Verification,
            site: "auth.example.com",
            link: Some("https://auth.example.com/account/confirm?token=a"),
            code: None,
            lifetime: Some(Milliseconds(86_400_000)),
            at: UnixMillis(0),
            browser: Browser::default(),
            codes_left: None,
        };
        let email = Email::parse("ann@example.com").unwrap();
        then(&Submission {
            to: &Address::of(&email).unwrap(),
            from: &Mailbox::parse("\"Example, Inc.\" <no-reply@example.com>").unwrap(),
            message: &letter.write(Language::default()).unwrap(),
            kind: Kind::Verification,
            language: Language::default(),
            idempotency_key: KEY,
        })
    }

    fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
        let mut headers = request.headers.iter();
        let found = headers.find(|(each, _)| *each == name);
        found.map(|(_, value)| value.as_str())
    }

    fn body(request: &Request) -> Value {
        serde_json::from_str(request.body.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn resend_is_told_all_in_one_request() {
        with_submission(|submission| {
            let request = resend::request(submission, &ApiKey::parse("re_1").unwrap());
            assert_eq!(request.url, "https://api.resend.com/emails");
            assert_eq!(header(&request, "Authorization"), Some("Bearer re_1"));
            assert_eq!(header(&request, "Idempotency-Key"), Some(KEY));
            let message = submission.message;
            assert_eq!(
                body(&request),
                json!({
                    "from": "\"Example, Inc.\" <no-reply@example.com>",
                    "to": ["ann@example.com"],
                    "subject": message.subject(),
                    "text": message.text(),
                    "html": message.html(),
                    "headers": {"Auto-Submitted": "auto-generated"},
                })
            );
        });
    }

    #[test]
    fn postmark_is_told_all_in_one_request() {
        with_submission(|submission| {
            let request = postmark::request(submission, &ApiKey::parse("pm-1").unwrap());
            assert_eq!(request.url, "https://api.postmarkapp.com/email");
            assert_eq!(header(&request, "X-Postmark-Server-Token"), Some("pm-1"));
            let message = submission.message;
            assert_eq!(
                body(&request),
                json!({
                    "From": "\"Example, Inc.\" <no-reply@example.com>",
                    "To": "ann@example.com",
                    "Subject": message.subject(),
                    "TextBody": message.text(),
                    "HtmlBody": message.html(),
                    "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
                    "MessageStream": "outbound",
                    "TrackOpens": false,
                    "TrackLinks": "None",
                })
            );
        });
    }

    #[test]
    fn a_webhook_is_sent_what_is_documented_and_signed() {
        with_submission(|submission| {
            let key = WebhookKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
            let request = webhook::request(submission, "https://hooks.example.com/a", &key, 12);
            let message = submission.message;
            assert_eq!(
                body(&request),
                json!({
                    "to": "ann@example.com",
                    "from": "\"Example, Inc.\" <no-reply@example.com>",
                    "subject": message.subject(),
                    "text": message.text(),
                    "html": message.html(),
                    "kind": "verification",
                    "language": "en",
                })
            );
            assert_eq!(header(&request, "webhook-id"), Some(KEY));
            assert_eq!(header(&request, "webhook-timestamp"), Some("12"));
            let signature = key.signature(KEY, 12, request.body.as_deref().unwrap());
            let sent = header(&request, "webhook-signature");
            assert_eq!(sent, Some(signature.as_str()));
        });
    }

    #[test]
    fn the_binding_is_given_no_header_that_it_refuses() {
        with_submission(|submission| {
            let message = submission.message;
            let given: Value = serde_json::from_str(&cloudflare::json(submission)).unwrap();
            assert_eq!(
                given,
                json!({
                    "from": {"email": "no-reply@example.com", "name": "Example, Inc."},
                    "to": "ann@example.com",
                    "subject": message.subject(),
                    "text": message.text(),
                    "html": message.html(),
                    "headers": {"Auto-Submitted": "auto-generated"},
                })
            );
            let from = Mailbox::parse("no-reply@example.com").unwrap();
            let bare = Submission {
                from: &from,
                ..*submission
            };
            let given: Value = serde_json::from_str(&cloudflare::json(&bare)).unwrap();
            assert_eq!(given["from"], "no-reply@example.com");
        });
    }

    fn judged(status: u16, body: &str) -> Result<(), NotSent> {
        let body = body.to_owned();
        judge("resend", Ok(Answer { status, body }), resend::code_of)
    }

    #[test]
    fn answers_are_judged_by_their_status() {
        for status in [200, 202, 204] {
            assert_eq!(judged(status, "<garbage>"), Ok(()), "{status}");
        }
        let body = r#"{"name":"invalid_from_address","message":"ann@example.com …"}"#;
        let refused = |text: &str| Err(NotSent::Refused(text.to_owned()));
        let unavailable = |text: &str| Err(NotSent::Unavailable(text.to_owned()));
        assert_eq!(
            judged(422, body),
            refused("resend: 422 invalid_from_address")
        );
        for status in [301, 307, 400, 401, 404] {
            assert_eq!(judged(status, ""), refused(&format!("resend: {status}")));
        }
        for status in [408, 429, 500, 503, 599] {
            assert_eq!(
                judged(status, "{"),
                unavailable(&format!("resend: {status}"))
            );
        }
        let quota = judged(429, r#"{"name":"daily_quota_exceeded"}"#);
        assert_eq!(quota, unavailable("resend: 429 daily_quota_exceeded"));
        let twice = judged(409, r#"{"name":"concurrent_idempotent_requests"}"#);
        assert_eq!(
            twice,
            unavailable("resend: 409 concurrent_idempotent_requests")
        );
        let other = judged(409, r#"{"name":"invalid_idempotent_request"}"#);
        assert_eq!(other, refused("resend: 409 invalid_idempotent_request"));
        let away = judge("resend", Err(HostError::new("away")), resend::code_of);
        assert_eq!(away, unavailable("resend: away"));
    }

    #[test]
    fn nothing_that_a_provider_writes_gets_into_the_log_but_a_code() {
        for body in [
            "",
            "[]",
            "null",
            "{\"name\":null}",
            "{\"name\":[\"a\"]}",
            "{\"name\":\"ann@example.com\"}",
            "{\"name\":\"a b\"}",
            "{\"name\":\"a\\nb\"}",
            "{\"name\":\"\"}",
            &format!("{{\"name\":\"{}\"}}", "a".repeat(65)),
            &"[".repeat(4096),
        ] {
            let text = "resend: 400".to_owned();
            assert_eq!(judged(400, body), Err(NotSent::Refused(text)), "{body}");
        }
        let code = |body| postmark::code_of(body);
        let suppressed = r#"{"ErrorCode":406,"Message":"ann@example.com is inactive"}"#;
        assert_eq!(code(suppressed).as_deref(), Some("406"));
        assert_eq!(code(r#"{"ErrorCode":"406"}"#), None);
    }

    #[test]
    fn codes_of_the_binding_are_judged() {
        for (code, may_be_sent_later) in [
            ("E_SENDER_NOT_VERIFIED", false),
            ("E_RECIPIENT_SUPPRESSED", false),
            ("E_HEADER_NOT_ALLOWED", false),
            ("E_DAILY_LIMIT_EXCEEDED", true),
            ("E_RATE_LIMIT_EXCEEDED", true),
            ("E_INTERNAL_SERVER_ERROR", true),
            ("E_DELIVERY_FAILED", true),
            ("TimeoutError", true),
            ("Error", true),
        ] {
            let not_sent = cloudflare::not_sent(code);
            assert_eq!(not_sent.may_be_sent_later(), may_be_sent_later, "{code}");
            let (NotSent::Refused(text) | NotSent::Unavailable(text)) = not_sent;
            assert_eq!(text, format!("cloudflare: {code}"));
        }
        let told = cloudflare::not_sent("email to ann@example.com not allowed");
        assert_eq!(told, NotSent::Unavailable("cloudflare: failed".to_owned()));
    }
}
