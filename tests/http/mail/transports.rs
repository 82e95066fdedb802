//! How mails leave, by every transport, and what becomes of one that is not taken. tests/mail/worker.rs sends them.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{self, Server, base64url, hmac};

const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn start() -> Server {
    Server::start_example("mail", &[]).await
}

/// Sends a mail in German by these transports: what the Worker says of it, and what reached the providers.
async fn send(server: &Server, transports: &[&str], answers: &[Value]) -> (Value, Vec<Value>) {
    server.providers_answer(answers);
    server.providers_received();
    let settings = json!({
        "JWT_SECRET": harness::SECRET,
        "PUBLIC_URL": "https://auth.example.com",
        "MAIL": transports[0],
        "MAIL_FALLBACK": transports.get(1).unwrap_or(&"none"),
        "MAIL_FROM": "\"Example, Inc.\" <no-reply@example.com>",
        "MAIL_API_KEY": "key-1",
        "MAIL_FALLBACK_API_KEY": "key-2",
        "MAIL_WEBHOOK_URL": "https://hooks.example.com/mail?a=b",
        "MAIL_WEBHOOK_SECRET": WEBHOOK_SECRET,
    });
    let body = json!({
        "settings": settings, "kind": "sign_in", "language": "de", "to": "ann@example.com", "key": "the-same",
    });
    let answer = server.request("POST", "/").json(body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    (answer.json(), server.providers_received())
}

async fn assert_sent(server: &Server, transports: &[&str], answers: &[Value]) -> Vec<Value> {
    let (outcome, received) = send(server, transports, answers).await;
    assert_eq!(
        outcome,
        json!({ "sent": true }),
        "{transports:?} {answers:?}"
    );
    received
}

async fn assert_not_sent(server: &Server, transport: &str, answer: Value, later: bool, text: &str) {
    let (outcome, received) = send(server, &[transport], std::slice::from_ref(&answer)).await;
    let expected = json!({ "sent": false, "later": later, "text": text });
    assert_eq!(outcome, expected, "{transport} {answer}");
    assert_eq!(received.len(), 1, "{transport} {answer}");
}

fn body(received: &Value) -> Value {
    serde_json::from_str(received["body"].as_str().unwrap()).unwrap()
}

#[wasm_bindgen_test]
async fn each_transport_gets_the_mail() {
    let server = start().await;
    let received = assert_sent(&server, &["cloudflare"], &[]).await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["url"], "https://send-email.example/");
    let message = body(&received[0]);
    assert_eq!(
        message["from"],
        json!({ "email": "no-reply@example.com", "name": "Example, Inc." })
    );
    assert_eq!(message["to"], "ann@example.com");
    assert_eq!(message["subject"], "Anmelden bei auth.example.com");
    assert_eq!(
        message["headers"],
        json!({ "Auto-Submitted": "auto-generated" })
    );
    let text = message["text"].as_str().unwrap();
    let link = "https://auth.example.com/account/confirm?kind=sign_in&id=1&token=a-b_c";
    assert!(text.contains(&format!("\n\n{link}\n\n")), "{text}");
    assert!(text.ends_with("\n\n@auth.example.com #012345"), "{text}");
    let html = message["html"].as_str().unwrap();
    assert!(html.contains("<html lang=\"de\">"), "{html}");

    let received = assert_sent(&server, &["resend"], &[json!({ "body": "no JSON" })]).await;
    assert_eq!(received[0]["url"], "https://api.resend.com/emails");
    let headers = &received[0]["headers"];
    assert_eq!(headers["authorization"], "Bearer key-1");
    assert_eq!(headers["idempotency-key"], "the-same");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(body(&received[0])["text"], text);

    let received = assert_sent(&server, &["postmark"], &[]).await;
    assert_eq!(received[0]["url"], "https://api.postmarkapp.com/email");
    assert_eq!(received[0]["headers"]["x-postmark-server-token"], "key-1");
    assert_eq!(body(&received[0])["HtmlBody"], html);

    let received = assert_sent(&server, &["webhook"], &[json!({ "status": 204 })]).await;
    assert_eq!(received[0]["method"], "POST");
    assert_eq!(received[0]["url"], "https://hooks.example.com/mail?a=b");
    let headers = &received[0]["headers"];
    assert_eq!(headers["webhook-id"], "the-same");
    let timestamp = headers["webhook-timestamp"].as_str().unwrap();
    assert!(timestamp.parse::<u64>().unwrap().abs_diff(harness::now()) < 10);
    let signed = format!(
        "the-same.{timestamp}.{}",
        received[0]["body"].as_str().unwrap()
    );
    let secret = [
        0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a, 0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08,
        0x2c, 0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0,
    ];
    let signature = base64url(&hmac("sha256", &secret, signed.as_bytes()));
    let sent = headers["webhook-signature"].as_str().unwrap();
    let sent = sent.strip_prefix("v1,").unwrap().trim_end_matches('=');
    assert_eq!(sent.replace('+', "-").replace('/', "_"), signature);
    assert_eq!(body(&received[0])["kind"], "sign_in");
    assert_eq!(body(&received[0])["language"], "de");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_a_provider_refuses_is_told_from_what_it_may_take_later() {
    let server = start().await;
    for (transport, answer, later, text) in [
        (
            "resend",
            json!({ "status": 422, "body": "{\"name\":\"validation_error\",\"message\":\"ann@example.com\"}" }),
            false,
            "refused by resend: 422 validation_error",
        ),
        (
            "resend",
            json!({ "status": 401, "body": "<garbage ann@example.com>" }),
            false,
            "refused by resend: 401",
        ),
        (
            "resend",
            json!({ "status": 429 }),
            true,
            "not taken by resend: 429",
        ),
        (
            "postmark",
            json!({ "status": 422, "body": "{\"ErrorCode\":406,\"Message\":\"ann@example.com\"}" }),
            false,
            "refused by postmark: 422 406",
        ),
        (
            "postmark",
            json!({ "status": 500 }),
            true,
            "not taken by postmark: 500",
        ),
        (
            "webhook",
            json!({ "status": 404 }),
            false,
            "refused by webhook: 404",
        ),
        // It is not followed: what is sent is for that server alone.
        (
            "webhook",
            json!({ "status": 307 }),
            false,
            "refused by webhook: 307",
        ),
        (
            "cloudflare",
            json!({ "status": 400, "body": "E_RECIPIENT_SUPPRESSED" }),
            false,
            "refused by cloudflare: E_RECIPIENT_SUPPRESSED",
        ),
        (
            "cloudflare",
            json!({ "status": 429, "body": "E_DAILY_LIMIT_EXCEEDED" }),
            true,
            "not taken by cloudflare: E_DAILY_LIMIT_EXCEEDED",
        ),
    ] {
        assert_not_sent(&server, transport, answer, later, text).await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn who_does_not_answer_is_not_waited_for() {
    let server = Server::start_example_with_fast_timers("mail", &[]).await;
    let too_long = "TimeoutError: no answer within 10000 ms";
    for (transport, answer, what) in [
        ("webhook", json!({ "hangs": true }), too_long),
        // It has been sent perhaps: the key by which a second try is known is the same.
        ("resend", json!({ "afterMs": 5000 }), too_long),
        ("resend", json!({ "status": 503, "stalls": true }), too_long),
        ("cloudflare", json!({ "hangs": true }), "TimeoutError"),
    ] {
        let text = format!("not taken by {transport}: {what}");
        assert_not_sent(&server, transport, answer, true, &text).await;
    }
    let hangs = json!({ "hangs": true });
    let received = assert_sent(&server, &["resend", "postmark"], &[hangs]).await;
    assert_eq!(received[1]["url"], "https://api.postmarkapp.com/email");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_missing_binding_is_named() {
    let overrides = [("SEND_EMAIL", None)];
    let server = Server::start_example("mail", &overrides).await;
    let (outcome, received) = send(&server, &["cloudflare"], &[]).await;
    let text = "refused by cloudflare: no binding SEND_EMAIL";
    assert_eq!(
        outcome,
        json!({ "sent": false, "later": false, "text": text })
    );
    assert!(received.is_empty());
    let received = assert_sent(&server, &["cloudflare", "resend"], &[]).await;
    assert_eq!(received.len(), 1);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_mail_is_sent_once_its_answer_has_begun() {
    let server = start().await;
    // To send it again for want of a body would send it twice.
    for answer in [
        json!({ "stalls": true }),
        json!({ "body": "a".repeat(1 << 20) }),
    ] {
        let received = assert_sent(&server, &["webhook"], &[answer]).await;
        assert_eq!(received.len(), 1);
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_second_transport_is_asked_where_the_first_one_fails() {
    let server = start().await;
    for first in [json!({ "status": 422 }), json!({ "status": 503 })] {
        let answers = [first.clone()];
        let received = assert_sent(&server, &["resend", "postmark"], &answers).await;
        assert_eq!(received.len(), 2, "{first}");
        assert_eq!(received[0]["headers"]["authorization"], "Bearer key-1");
        assert_eq!(received[1]["url"], "https://api.postmarkapp.com/email");
        assert_eq!(received[1]["headers"]["x-postmark-server-token"], "key-2");
    }
    // Not where it has taken the mail.
    let received = assert_sent(&server, &["cloudflare", "resend"], &[]).await;
    assert_eq!(received.len(), 1);
    let not_verified = json!({ "status": 400, "body": "E_SENDER_NOT_VERIFIED" });
    let received = assert_sent(&server, &["cloudflare", "resend"], &[not_verified]).await;
    assert_eq!(received[1]["headers"]["authorization"], "Bearer key-1");
    for (second, later, text) in [
        (400, false, "refused by resend: 422; webhook: 400"),
        (500, true, "not taken by resend: 422; webhook: 500"),
    ] {
        let answers = [json!({ "status": 422 }), json!({ "status": second })];
        let (outcome, received) = send(&server, &["resend", "webhook"], &answers).await;
        let expected = json!({ "sent": false, "later": later, "text": text });
        assert_eq!((outcome, received.len()), (expected, 2));
    }
    server.stop().await;
}
