//! A Worker that sends a mail, or looks a password up, as each request says: by the product's own settings, texts and
//! transports, without its routes.

use calls::Outcome;
use config::Config;
use config::mail::Mail;
use edge_auth_core::account::Email;
use edge_auth_core::mail::{Address, Browser, Kind, Language, Letter};
use edge_auth_core::time::{Milliseconds, UnixMillis};
use platform::breached;
use platform::calls;
use platform::http::Incoming;
use platform::mail::{Mailer, Submission};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{Request, Response};

/// The product's own. The rest of it has exports of the same names.
#[path = "../../src/config/mod.rs"]
pub mod config;
/// The product's own.
#[path = "../../src/platform/mod.rs"]
pub mod platform;

/// Does nothing.
#[wasm_bindgen]
pub fn prepare(_env: &JsValue) {}

/// Sends what the body says, `{"settings", "kind", "language", "to", "key"}`; under `/breached` looks up the password that
/// the body is.
#[wasm_bindgen]
pub fn fetch(call: u32, request: Request, env: JsValue) -> JsValue {
    calls::begin(call, async move {
        let request = Incoming::new(request);
        let outcome = match request.path() {
            "/breached" => look_up(&request).await,
            _ => send(&request, &env).await,
        };
        let text = match outcome {
            Ok(outcome) => outcome.to_string(),
            Err(error) => json!({ "error": error }).to_string(),
        };
        let response = Response::new_with_opt_str(Some(&text)).map(JsValue::from);
        let answer = response.unwrap_or_default();
        Outcome { answer, rest: None }
    })
}

async fn look_up(request: &Incoming) -> Result<Value, String> {
    let password = request.body(1 << 16).await;
    let password = password.map_err(|error| format!("{error:?}"))?;
    let is_breached = breached::is_breached(&password).await;
    let is_breached = is_breached.map_err(|error| error.to_string())?;
    Ok(json!({ "breached": is_breached }))
}

async fn send(request: &Incoming, env: &JsValue) -> Result<Value, String> {
    let body = request.body(1 << 16).await;
    let body = body.map_err(|error| format!("{error:?}"))?;
    let body: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let text = |value: &Value, member: &str| {
        let text = value.get(member).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let settings = body.get("settings").unwrap_or(&Value::Null);
    let config = Config::parse(|name| text(settings, name)).map_err(|error| error.to_string())?;
    let Some(Mail {
        transports,
        from,
        site,
        link_url,
        ..
    }) = config.mail
    else {
        return Err("no mail".to_owned());
    };
    let kind = text(&body, "kind").and_then(|name| Kind::parse(&name));
    let kind = kind.ok_or("no kind")?;
    let language = Language::parse(&text(&body, "language").unwrap_or_default());
    let email = Email::parse(&text(&body, "to").unwrap_or_default());
    let email = email.map_err(|broken| broken.to_string())?;
    let to = Address::of(&email).ok_or("no address")?;
    let letter = Letter {
        kind,
        site: &site,
        link: Some(&format!("{link_url}?kind={}&id=1&token=a-b_c", kind.name())),
        code: Some("012345"),
        lifetime: Some(Milliseconds(86_400_000)),
        at: UnixMillis(1_795_615_439_999),
        browser: Browser::parse("firefox linux"),
        codes_left: Some(3),
    };
    let message = letter.write(language);
    let message = message.map_err(|missing| format!("{missing:?}"))?;
    let submission = Submission {
        to: &to,
        from: &from,
        message: &message,
        kind,
        language,
        idempotency_key: &text(&body, "key").ok_or("no key")?,
    };
    Ok(
        match Mailer::new(env).send(&transports, &submission).await {
            Ok(()) => json!({ "sent": true }),
            Err(not_sent) => json!({
                "sent": false,
                "later": not_sent.may_be_sent_later(),
                "text": not_sent.to_string(),
            }),
        },
    )
}

/// Does nothing.
#[wasm_bindgen]
pub fn scheduled(call: u32, _env: JsValue) -> JsValue {
    calls::begin(call, async { Outcome::default() })
}
