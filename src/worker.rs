//! The Cloudflare entry: reads the environment, answers one request, logs what went wrong.

use std::cell::OnceCell;
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use js_sys::{JSON, Reflect};
use serde_json::json;
use wasm_bindgen::JsValue;
use worker::{
    Context, Env, Request, Response, ResponseBuilder, ScheduleContext, ScheduledEvent,
    console_error, event,
};

use crate::api::{self, App, Reply};
use crate::config::{Config, ConfigError};
use crate::platform::http::Incoming;
use crate::platform::rate_limit::RateLimit;
use crate::platform::{clock, random};
use crate::store::attempts::Attempts;
use crate::store::sessions::Sessions;

/// The D1 binding's name in `wrangler.toml`.
const DATABASE: &str = "DB";

thread_local! {
    /// An isolate's environment never changes; a configuration that parsed is kept.
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

/// Answers a request.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let request = Incoming::new(request);
    let reply = match answer(&request, &env).await {
        Ok(reply) => reply,
        Err(error) => unexpected(&request, &error),
    };
    respond(reply, request.method() == "HEAD")
}

/// Deletes what has expired, as often as `wrangler.toml` says.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = purge(&env).await {
        let line = json!({ "level": "error", "error": format!("purge: {error}") });
        console_error!("{line}");
    }
}

async fn purge(env: &Env) -> Result<(), String> {
    let config = config(env).map_err(|error| format!("setting {error}"))?;
    let database = env.d1(DATABASE).map_err(|error| error.to_string())?;
    let now = clock::now_ms();
    let attempts = Attempts(&database).purge(now).await;
    let sessions = Sessions(&database)
        .purge(config.session_lifetimes, now)
        .await;
    attempts.and(sessions).map_err(|error| error.to_string())
}

async fn answer(request: &Incoming, env: &Env) -> Result<Reply, String> {
    let config = config(env).map_err(|error| format!("setting {error}"))?;
    let database = env
        .d1(DATABASE)
        .map_err(|error| format!("binding {DATABASE}: {error}"))?;
    let app = App {
        config: &config,
        database,
        sign_in_limit: RateLimit::new(env, "SIGN_INS"),
        registration_limit: RateLimit::new(env, "REGISTRATIONS"),
    };
    api::answer(&app, request)
        .await
        .map_err(|error| error.to_string())
}

fn config(env: &Env) -> Result<Rc<Config>, ConfigError> {
    CONFIG.with(|cell| {
        if let Some(config) = cell.get() {
            return Ok(Rc::clone(config));
        }
        let config = Rc::new(Config::parse(|name| setting(env, name))?);
        Ok(Rc::clone(cell.get_or_init(|| config)))
    })
}

/// A setting's text. `wrangler.toml` may hold a number or a truth value as such.
fn setting(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from(name)).ok()?;
    value
        .as_string()
        .or_else(|| JSON::stringify(&value).ok()?.as_string())
}

/// Logs `error` and words the answer, which says nothing of it.
fn unexpected(request: &Incoming, error: &str) -> Reply {
    let request_id = random::bytes::<16>()
        .map(|bytes| Base64UrlUnpadded::encode_string(&bytes))
        .unwrap_or_default();
    let path = request.path();
    let line = json!({
        "level": "error",
        "error": error,
        "method": request.method(),
        "path": path,
        "request_id": request_id,
    });
    console_error!("{line}");
    api::unexpected(&path, &request_id)
}

fn respond(reply: Reply, head: bool) -> worker::Result<Response> {
    let mut response = ResponseBuilder::new()
        .with_status(reply.status)
        .with_header("Cache-Control", "no-store")?
        .with_header("X-Content-Type-Options", "nosniff")?;
    if reply.body.is_some() {
        response = response.with_header("Content-Type", "application/json")?;
    }
    // One of a name above takes its place.
    for (name, value) in reply.headers {
        response = response.with_header(name, &value)?;
    }
    Ok(match reply.body {
        Some(body) if !head => response.fixed(body.into_bytes()),
        _ => response.empty(),
    })
}
