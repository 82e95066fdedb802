//! Cloudflare's Email Service, by the `send_email` binding (its documents, "Workers API").

use js_sys::{Promise, Reflect};
use serde_json::{Value, json as value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{AUTO_SUBMITTED, LIMITS, NotSent, Submission, is_code};
use crate::platform::calls::settled;

/// The binding's name in `wrangler.toml`. Not `MAIL`, which is a setting.
const BINDING: &str = "SEND_EMAIL";

#[wasm_bindgen(module = "/src/platform/outbound.js")]
extern "C" {
    fn submit(binding: &JsValue, json: &str, milliseconds: u32) -> Promise;
}

/// Sends a mail by the binding in `env`.
pub(super) async fn send(env: &JsValue, submission: &Submission<'_>) -> Result<(), NotSent> {
    let binding = Reflect::get(env, &JsValue::from(BINDING)).unwrap_or_default();
    if !binding.is_object() {
        let text = format!("cloudflare: no binding {BINDING}");
        return Err(NotSent::Refused(text));
    }
    let submitted = submit(&binding, &json(submission), LIMITS.milliseconds);
    // It says what was wrong, and does not throw.
    let code = settled(JsValue::from(submitted)).await;
    let code = code.ok().and_then(|code| code.as_string());
    match code.as_deref() {
        Some("") => Ok(()),
        code => Err(not_sent(code.unwrap_or_default())),
    }
}

/// What the binding is given. It writes `Date` and `Message-ID` itself, and refuses those of others.
pub(super) fn json(submission: &Submission<'_>) -> String {
    let message = submission.message;
    let (name, generated) = AUTO_SUBMITTED;
    let address = submission.from.address().as_str();
    let from = match submission.from.name() {
        Some(name) => value!({"email": address, "name": name}),
        None => Value::from(address),
    };
    let message = value!({
        "from": from,
        "to": submission.to.as_str(),
        "subject": message.subject(),
        "text": message.text(),
        "html": message.html(),
        "headers": {name: generated},
    });
    message.to_string()
}

/// What the code of an error means. Most are about the mail or the account and will not change; those
/// that will are named, and what is no code of the service's own is a fault on the way to it.
pub(super) fn not_sent(code: &str) -> NotSent {
    let text = if is_code(code) { code } else { "failed" };
    let text = format!("cloudflare: {text}");
    match code {
        "E_DAILY_LIMIT_EXCEEDED"
        | "E_RATE_LIMIT_EXCEEDED"
        | "E_INTERNAL_SERVER_ERROR"
        | "E_DELIVERY_FAILED" => NotSent::Unavailable(text),
        _ if code.starts_with("E_") => NotSent::Refused(text),
        _ => NotSent::Unavailable(text),
    }
}
