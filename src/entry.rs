//! The Cloudflare entry: reads the environment, answers one request, logs what went wrong.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use js_sys::{JSON, Reflect};
use serde::Serialize;
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{console_error, console_log, web_sys};

use edge_auth_core::account::UserId;
use edge_auth_core::throttle::ClientAddress;
use edge_auth_core::time::Milliseconds;

use crate::api;
use crate::app::App;
use crate::config::gateway::Prefixes;
use crate::config::{AllowedOrigins, Config, ConfigError};
use crate::http::routes::Target;
use crate::http::{Answer, Reply, cors};
use crate::outbox::Sender;
use crate::platform::calls::{self, Call, Outcome};
use crate::platform::clock::Timer;
use crate::platform::http::{Incoming, response};
use crate::platform::mail::Mailer;
use crate::platform::rate_limit::RateLimit;
use crate::platform::upstream::Services;
use crate::platform::{clock, random};
use crate::store::Database;
use crate::store::audit::{Audit, Origin};
use crate::store::purges::Purges;
use crate::trace::{self, Trace};

/// The D1 binding's name in `wrangler.toml`.
const DATABASE: &str = "DB";

/// The header by which a client's reads follow its writes.
const BOOKMARK: &str = "X-D1-Bookmark";

thread_local! {
    /// An isolate's environment never changes; a configuration that parsed is kept.
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

/// Parses the settings while the host makes an isolate ready, before there is a request to wait for it. What is
/// wrong with them is told when one comes.
#[wasm_bindgen]
pub fn prepare(env: &JsValue) {
    let _ = config(env);
}

/// Answers a request, then logs it and writes the audit trail. The call is driven by [`calls`].
///
/// Not by `worker`'s `event`: that takes over headers and Cloudflare's object `cf`, which few routes ask
/// for, and makes a promise of every answer.
#[wasm_bindgen]
pub fn fetch(call: u32, request: web_sys::Request, env: JsValue) -> JsValue {
    calls::begin(call, answer(Incoming::new(request), env))
}

async fn answer(request: Incoming, env: JsValue) -> Outcome {
    let started = clock::now();
    let request_id = random::bytes::<16>()
        .map(|bytes| Base64UrlUnpadded::encode_string(&bytes))
        .unwrap_or_default();
    let (mut queries, mut user_id, mut rest) = (0, None, None);
    let config = config(&env);
    let origins = allowed_origins(config.as_ref().map(Rc::as_ref), &env);
    let none = Prefixes::default();
    let prefixes = config.as_ref().map_or(&none, |config| &config.protected);
    let target = api::resolve(request.path(), prefixes);
    let unexpected = |error: &str| {
        log_unexpected(error, &request_id);
        let site = config.as_ref().ok().and_then(|config| config.site());
        Answer::Own(api::unexpected(&target, &request, site, &request_id))
    };
    let answer = if let Some(reply) = cors::preflight(&origins, &target, &request) {
        Answer::Own(reply)
    } else {
        match app(&request, &target, &config, &env) {
            Ok(app) => {
                let answer = match api::answer(&app, &request, &target).await {
                    Ok(Answer::Own(reply)) => Answer::Own(with_bookmark(reply, &app)),
                    Ok(from_upstream) => from_upstream,
                    Err(error) => unexpected(&error.to_string()),
                };
                queries = app.database.statements();
                user_id = app.trace.user_id().map(UserId::get);
                rest = afterwards(app, &request, &env);
                answer
            }
            Err(error) => unexpected(&error),
        }
    };
    let (status, response) = match answer {
        Answer::FromUpstream(answered) => {
            let response = web_sys::Response::from(answered);
            (response.status(), response)
        }
        Answer::Own(reply) => {
            let Reply {
                status,
                headers,
                body,
            } = cors::readable(reply, &origins, &request);
            let response = response(&request, status, &headers, &body);
            (status, response)
        }
    };
    let line = Line {
        duration_ms: clock::now().since(started).0,
        level: "info",
        method: request.method(),
        queries,
        request_id: &request_id,
        route: target.pattern(),
        status,
        user_id,
    };
    console_log!("{}", serde_json::to_string(&line).unwrap_or_default());
    Outcome {
        answer: response.into(),
        rest,
    }
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
    target: &Target<'_>,
    config: &Result<Rc<Config>, ConfigError>,
    env: &JsValue,
) -> Result<App, String> {
    let config = config
        .as_ref()
        .map_err(|error| format!("setting {error}"))?;
    let mut database = database(env)?;
    if config.read_replication {
        let start = if target.only_reads(request.method()) {
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
        mail: RefCell::default(),
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

/// What is done while the answer is on its way: writes what the request has done to the audit trail,
/// ends the turn of a sign-in, sends mail. That the answer has left by then, a timer says.
fn afterwards(app: App, request: &Incoming, env: &JsValue) -> Option<Call> {
    let events = app.trace.take_events();
    let turn = app.turn.take();
    let mail = app.mail.take();
    if events.is_empty() && turn.is_none() && mail.is_empty() {
        return None;
    }
    let header = |name| request.header(name).ok().flatten();
    let address = ClientAddress::parse(header("CF-Connecting-IP").as_deref());
    let user_agent = header("User-Agent");
    let mailer = Mailer::new(env);
    Some(Box::pin(async move {
        // What is done with a mail would show in how long the answer takes: whether there is an account.
        let answer_leaves = turn.is_some() || !mail.is_empty();
        let answer_leaves = answer_leaves.then(|| Timer::start(Milliseconds(1)));
        if !events.is_empty() {
            let origin = Origin {
                address: address.as_str(),
                user_agent: user_agent.as_deref(),
                now: clock::now(),
            };
            if let Err(error) = Audit(&app.database).append(&events, origin).await {
                trace::log(format_args!("audit: {error}"));
            }
        }
        if let Some(timer) = answer_leaves
            && let Err(error) = timer.end().await
        {
            trace::log(format_args!("host: {error}"));
        }
        drop(turn);
        let sender = Sender {
            config: &app.config,
            database: &app.database,
            mailer,
        };
        for mail in &mail {
            if let Err(error) = sender.send(mail).await {
                trace::log(format_args!("outbox: {error}"));
            }
        }
        Outcome::default()
    }))
}

/// The cron trigger in `wrangler.toml` by which mail is sent, and nothing else is done.
const MAIL_TRIGGER: &str = "* * * * *";

/// Sends mail that is due, and deletes what has expired, as often as the triggers in `wrangler.toml` say.
#[wasm_bindgen]
pub fn scheduled(call: u32, trigger: String, env: JsValue) -> JsValue {
    calls::begin(call, async move {
        if trigger != MAIL_TRIGGER
            && let Err(error) = purge(&env).await
        {
            trace::log(format_args!("purge: {error}"));
        }
        if let Err(error) = send_mail(&env).await {
            trace::log(format_args!("outbox: {error}"));
        }
        Outcome::default()
    })
}

async fn send_mail(env: &JsValue) -> Result<(), String> {
    let config = config(env).map_err(|error| format!("setting {error}"))?;
    if config.mail.is_none() {
        return Ok(());
    }
    let sender = Sender {
        config: &config,
        database: &database(env)?,
        mailer: Mailer::new(env),
    };
    sender.run().await.map_err(|error| error.to_string())
}

async fn purge(env: &JsValue) -> Result<(), String> {
    let config = config(env).map_err(|error| format!("setting {error}"))?;
    let database = database(env)?;
    let now = clock::now();
    let purges = Purges(&database);
    let attempts = purges.attempts(now).await;
    let sessions = purges.sessions(config.session_lifetimes, now).await;
    let kept_from = now.minus(config.audit_retention);
    let audit = purges.audit(kept_from).await;
    let challenges = purges.challenges(now).await;
    let sign_ins = purges.sign_ins(now).await;
    let purged = attempts.and(sessions).and(audit);
    let purged = purged.and(challenges).and(sign_ins);
    purged.map_err(|error| error.to_string())
}

fn database(env: &JsValue) -> Result<Database, String> {
    Database::new(env, DATABASE).ok_or_else(|| format!("binding {DATABASE} is missing"))
}

fn config(env: &JsValue) -> Result<Rc<Config>, ConfigError> {
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
    env: &JsValue,
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
fn setting(env: &JsValue, name: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from(name)).ok()?;
    value
        .as_string()
        .or_else(|| JSON::stringify(&value).ok()?.as_string())
}

/// Logs `error`, beside the line that every request has. The answer says nothing of it.
fn log_unexpected(error: &str, request_id: &str) {
    let line = json!({ "level": "error", "error": error, "request_id": request_id });
    console_error!("{line}");
}
