//! The Cloudflare entry: reads the environment, answers one request, logs what went wrong.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use js_sys::{JSON, Reflect};
use serde::Serialize;
use serde_json::json;
use wasm_bindgen::JsValue;
use worker::{
    Context, Env, Request, Response, ResponseBuilder, ScheduleContext, ScheduledEvent,
    console_error, console_log, event, web_sys,
};

use crate::api::{self, Answer, App, Reply, Trace, cors};
use crate::auth::account::UserId;
use crate::auth::attempt::ClientAddress;
use crate::config::prefixes::Prefixes;
use crate::config::{AllowedOrigins, Config, ConfigError};
use crate::platform::clock::Timer;
use crate::platform::http::Incoming;
use crate::platform::rate_limit::RateLimit;
use crate::platform::upstream::Services;
use crate::platform::{clock, random};
use crate::store::Database;
use crate::store::audit::{Audit, Origin};
use crate::store::purges::Purges;

/// The D1 binding's name in `wrangler.toml`.
const DATABASE: &str = "DB";

/// The header by which a client's reads follow its writes.
const BOOKMARK: &str = "X-D1-Bookmark";

thread_local! {
    /// An isolate's environment never changes; a configuration that parsed is kept.
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

/// Answers a request, then logs it and writes the audit trail.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let started = clock::now_ms();
    let request = Incoming::new(request);
    let request_id = random::bytes::<16>()
        .map(|bytes| Base64UrlUnpadded::encode_string(&bytes))
        .unwrap_or_default();
    let (mut queries, mut user_id) = (0, None);
    let config = config(&env);
    let origins = allowed_origins(config.as_ref().map(Rc::as_ref), &env);
    let none = Prefixes::default();
    let prefixes = config.as_ref().map_or(&none, |config| &config.protected);
    let answer = if let Some(reply) = cors::preflight(&origins, prefixes, &request) {
        Answer::Own(reply)
    } else {
        match app(&request, &config, &env) {
            Ok(app) => {
                let answer = match api::answer(&app, &request).await {
                    Ok(Answer::Own(reply)) => Answer::Own(with_bookmark(reply, &app)),
                    Ok(passed) => passed,
                    Err(error) => {
                        Answer::Own(unexpected(&request, &error.to_string(), &request_id))
                    }
                };
                queries = app.database.statements();
                user_id = app.trace.user_id().map(UserId::get);
                append_to_audit(&app, &request, &context);
                end_turn(&app, &context);
                answer
            }
            Err(error) => Answer::Own(unexpected(&request, &error, &request_id)),
        }
    };
    let response: web_sys::Response = match answer {
        Answer::Passed(answered) => answered.into(),
        Answer::Own(reply) => {
            let reply = cors::readable(reply, &origins, &request);
            respond(reply, request.method() == "HEAD")?.into()
        }
    };
    let line = Line {
        duration_ms: clock::now_ms().saturating_sub(started),
        level: "info",
        method: &request.method(),
        queries,
        request_id: &request_id,
        route: api::pattern(&request.path(), prefixes),
        status: response.status(),
        user_id,
    };
    console_log!("{}", serde_json::to_string(&line)?);
    Ok(response)
}

/// What the log has of every request. A struct: the map of a `Value` would be built key by key first.
#[derive(Serialize)]
struct Line<'a> {
    duration_ms: u64,
    level: &'static str,
    method: &'a str,
    queries: u32,
    request_id: &'a str,
    route: &'a str,
    status: u16,
    user_id: Option<i64>,
}

/// What `request` is answered with.
fn app(
    request: &Incoming,
    config: &Result<Rc<Config>, ConfigError>,
    env: &Env,
) -> Result<App, String> {
    let config = config
        .as_ref()
        .map_err(|error| format!("setting {error}"))?;
    let mut database = database(env)?;
    if config.read_replication {
        let start = if api::only_reads(&request.method(), &request.path(), &config.protected) {
            let bookmark = request.header(BOOKMARK).ok().flatten();
            let bookmark = bookmark.filter(|text| is_bookmark(text));
            bookmark.unwrap_or_else(|| "first-unconstrained".to_owned())
        } else {
            "first-primary".to_owned()
        };
        let session = database.session(&start);
        database = session.map_err(|error| format!("database: {error}"))?;
    }
    Ok(App {
        config: Rc::clone(config),
        database,
        sign_in_limit: RateLimit::new(env, "SIGN_INS"),
        registration_limit: RateLimit::new(env, "REGISTRATIONS"),
        services: Services::new(env),
        trace: Trace::default(),
        turn: Cell::default(),
    })
}

/// Whether a client's text may be a bookmark of D1: hexadecimal digits and hyphens.
fn is_bookmark(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    (1..=128).contains(&text.len()) && text.bytes().all(fits)
}

/// The reply with what the client's next request has to follow.
fn with_bookmark(reply: Reply, app: &App) -> Reply {
    // A database outside of a session has none, and throws when it is asked.
    let replicated = app.config.read_replication;
    let bookmark = replicated.then(|| app.database.bookmark()).flatten();
    match bookmark {
        Some(bookmark) => reply.with(BOOKMARK, bookmark),
        None => reply,
    }
}

/// Writes what the request has done to the audit trail, while the answer is on its way.
fn append_to_audit(app: &App, request: &Incoming, context: &Context) {
    let events = app.trace.events();
    if events.is_empty() {
        return;
    }
    let header = |name| request.header(name).ok().flatten();
    let address = ClientAddress::parse(header("CF-Connecting-IP").as_deref());
    let user_agent = header("User-Agent");
    let database = app.database.clone();
    context.wait_until(async move {
        let origin = Origin {
            address: address.as_str(),
            user_agent: user_agent.as_deref(),
            now: clock::now_ms(),
        };
        if let Err(error) = Audit(&database).append(&events, origin).await {
            api::log(format_args!("audit: {error}"));
        }
    });
}

/// Ends the turn of a sign-in once the answer has left: it does so before a timer that starts now
/// ends.
fn end_turn(app: &App, context: &Context) {
    if let Some(turn) = app.turn.take() {
        context.wait_until(async move {
            if let Err(error) = Timer::start(1).end().await {
                api::log(format_args!("host: {error}"));
            }
            drop(turn);
        });
    }
}

/// Deletes what has expired, as often as `wrangler.toml` says.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = purge(&env).await {
        api::log(format_args!("purge: {error}"));
    }
}

async fn purge(env: &Env) -> Result<(), String> {
    let config = config(env).map_err(|error| format!("setting {error}"))?;
    let database = database(env)?;
    let now = clock::now_ms();
    let purges = Purges(&database);
    let attempts = purges.attempts(now).await;
    let sessions = purges.sessions(config.session_lifetimes, now).await;
    let kept_from = now.saturating_sub(config.audit_retention);
    let audit = purges.audit(kept_from).await;
    let purged = attempts.and(sessions).and(audit);
    purged.map_err(|error| error.to_string())
}

fn database(env: &Env) -> Result<Database, String> {
    Database::new(env, DATABASE).ok_or_else(|| format!("binding {DATABASE} is missing"))
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

/// Whose pages may read the answer. Where another setting is wrong they may read that it is a 500,
/// so that a page can tell it from a network that is down.
fn allowed_origins<'a>(
    config: Result<&'a Config, &ConfigError>,
    env: &Env,
) -> Cow<'a, AllowedOrigins> {
    match config {
        Ok(config) => Cow::Borrowed(&config.allowed_origins),
        Err(_) => {
            let origins = AllowedOrigins::parse(|name| setting(env, name));
            Cow::Owned(origins.unwrap_or_default())
        }
    }
}

/// A setting's text. `wrangler.toml` may hold a number or a truth value as such.
fn setting(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from(name)).ok()?;
    value
        .as_string()
        .or_else(|| JSON::stringify(&value).ok()?.as_string())
}

/// Logs `error`, beside the line that every request has, and words the answer, which says nothing
/// of it.
fn unexpected(request: &Incoming, error: &str, request_id: &str) -> Reply {
    let line = json!({ "level": "error", "error": error, "request_id": request_id });
    console_error!("{line}");
    api::unexpected(&request.path(), request_id)
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
