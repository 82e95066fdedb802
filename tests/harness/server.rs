//! A Worker in workerd, and what can be asked of it from outside: its database, its console, its CPU time.

use js_sys::{Array, JsString, Uint8Array};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use super::{QUICK, RequestBuilder, from_js, to_js};

#[wasm_bindgen(module = "/tests/harness/workers.mjs")]
extern "C" {
    fn built(folder: &str) -> JsValue;
    #[wasm_bindgen(js_name = builtWithin)]
    fn built_within(wrapper: &str) -> JsValue;
    fn script(text: &str) -> JsValue;
    #[wasm_bindgen(catch)]
    async fn example(name: &str, wrapper: Option<&str>) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/tests/harness/server.mjs")]
extern "C" {
    #[derive(Clone)]
    pub(crate) type JsServer;
    pub(crate) type JsAnswer;

    #[wasm_bindgen(catch, js_name = startEach)]
    async fn start_each(worker: &JsValue, settings: &JsValue) -> Result<JsServer, JsValue>;
    #[wasm_bindgen(catch)]
    async fn shared(settings: &JsValue) -> Result<JsServer, JsValue>;

    #[wasm_bindgen(catch, method)]
    pub(super) async fn send(
        this: &JsServer,
        method: &str,
        target: &str,
        headers: &Array,
        chunks: &Array,
        chunked: bool,
        hold_back_ms: u32,
        worker: u32,
    ) -> Result<JsAnswer, JsValue>;
    #[wasm_bindgen(catch, method, js_name = sendOverHttps)]
    pub(super) async fn send_over_https(
        this: &JsServer,
        method: &str,
        target: &str,
        headers: &Array,
        chunks: &Array,
        worker: u32,
    ) -> Result<JsAnswer, JsValue>;
    #[wasm_bindgen(catch, method)]
    async fn raw(this: &JsServer, bytes: &[u8], worker: u32) -> Result<Uint8Array, JsValue>;
    #[wasm_bindgen(catch, method)]
    async fn sql(this: &JsServer, statement: &str, params: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, method, js_name = sendInterleaved)]
    async fn send_interleaved(
        this: &JsServer,
        target: &str,
        headers: &Array,
        first: &[u8],
        rest: &[u8],
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, method, js_name = webSocket)]
    async fn web_socket(
        this: &JsServer,
        target: &str,
        headers: &JsValue,
        messages: &JsValue,
        close: &JsValue,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, method, js_name = sendAndLeave)]
    async fn send_and_leave(this: &JsServer, bytes: &[u8]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, method, js_name = runCron)]
    async fn run_cron(this: &JsServer, every_minute: bool) -> Result<JsString, JsValue>;
    #[wasm_bindgen(method, js_name = setClock)]
    fn set_clock(this: &JsServer, ahead_ms: f64);
    #[wasm_bindgen(catch, method)]
    async fn logs(this: &JsServer) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, js_name = cpuMs)]
    fn cpu_ms(this: &JsServer) -> f64;
    #[wasm_bindgen(method, js_name = providersAnswer)]
    fn providers_answer(this: &JsServer, answers: &JsValue);
    #[wasm_bindgen(method, js_name = providersReceived)]
    fn providers_received(this: &JsServer) -> JsValue;
    #[wasm_bindgen(catch, method)]
    async fn stop(this: &JsServer) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn status(this: &JsAnswer) -> u16;
    #[wasm_bindgen(method, getter)]
    pub(super) fn headers(this: &JsAnswer) -> Vec<String>;
    #[wasm_bindgen(method, getter)]
    pub(super) fn body(this: &JsAnswer) -> Vec<u8>;
    #[wasm_bindgen(method, getter, js_name = waitedMs)]
    pub(super) fn waited_ms(this: &JsAnswer) -> f64;

    #[wasm_bindgen(js_name = migrations)]
    fn js_migrations() -> Vec<String>;
    #[wasm_bindgen(catch, variadic, js_name = schemaAfter)]
    async fn js_schema_after(texts: Vec<String>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = measuresCpu)]
    fn js_measures_cpu() -> bool;
}

/// A var or a secret over that of the tests. `None` takes a binding away, the database too.
pub(crate) type Setting<'a> = (&'a str, Option<&'a str>);

/// How a WebSocket of the tests ends.
#[derive(Clone, Copy)]
pub(crate) enum Close<'a> {
    /// By a closing handshake with this code, of which 1005 is none, and reason.
    With(u16, &'a str),
    /// The connection is gone.
    BreakingOff,
    /// It waits for the other side to close, up to half a minute.
    ByTheOtherSide,
}

/// A running Worker with a database of its own. Cloning shares it. The number says which of the Workers in one
/// process it is.
#[derive(Clone)]
pub(crate) struct Server(pub(super) JsServer, pub(super) u32);

impl Server {
    /// Starts the built Worker with the bindings of wrangler.toml, a test secret and these settings over them.
    ///
    /// Two services are bound: `BOOKSTORE`, the example, and `UPSTREAM`, tests/harness/upstream.js, which also answers
    /// for every host that the Worker calls but `down.example`. It writes `upstream: `, method and URL to the console.
    pub(crate) async fn start(overrides: &[Setting<'_>]) -> Self {
        Self::start_worker(&built("build"), overrides).await
    }

    /// Starts the built Worker once with each of these settings, all on one database, as a deployment has isolates
    /// with the old and the new settings for a while. They are one process: to stop one stops all, and the console
    /// is of all.
    pub(crate) async fn start_sharing_database(settings: &[Vec<Setting<'_>>]) -> Vec<Self> {
        let overrides: Value = settings.iter().map(|each| object(each)).collect();
        let servers = start_each(&built("build"), &to_js(&overrides)).await;
        let servers = servers.expect("running servers");
        let workers = (0..).zip(settings);
        workers
            .map(|(worker, _)| Self(servers.clone(), worker))
            .collect()
    }

    /// The server that tests share which ask nothing special of it. It starts once.
    pub(crate) async fn shared() -> Self {
        Self::shared_with(&[]).await
    }

    /// The same with the settings [`QUICK`].
    pub(crate) async fn shared_quick() -> Self {
        Self::shared_with(&QUICK).await
    }

    async fn shared_with(overrides: &[Setting<'_>]) -> Self {
        let server = shared(&to_js(&object(overrides))).await;
        Self(server.expect("the shared server"), 0)
    }

    /// The built Worker with a database whose every query fails.
    pub(crate) async fn start_with_failing_database() -> Self {
        Self::start_worker(&built_within("withFailingDatabase"), &[]).await
    }

    /// The built Worker with a database that fails before it has done anything, for requests with the header
    /// `Database: fails`.
    pub(crate) async fn start_with_database_failing_before(
        overrides: &[(&str, Option<&str>)],
    ) -> Self {
        Self::start_worker(&built_within("withDatabaseFailingBefore"), overrides).await
    }

    /// The same where it fails after it has done its work, as if the answer were lost.
    pub(crate) async fn start_with_database_failing_after(
        overrides: &[(&str, Option<&str>)],
    ) -> Self {
        Self::start_worker(&built_within("withDatabaseFailingAfter"), overrides).await
    }

    /// The built Worker, which writes `session: ` and where each session of its database starts to its console.
    pub(crate) async fn start_with_seen_sessions(overrides: &[(&str, Option<&str>)]) -> Self {
        Self::start_worker(&built_within("withSeenSessions"), overrides).await
    }

    /// The built Worker, which writes `query: ` and each statement to its console.
    pub(crate) async fn start_with_seen_queries(overrides: &[(&str, Option<&str>)]) -> Self {
        Self::start_worker(&built_within("withSeenQueries"), overrides).await
    }

    /// The built Worker, which writes `rows written: ` and their number to its console for each statement that wrote
    /// any.
    pub(crate) async fn start_with_counted_rows(overrides: &[Setting<'_>]) -> Self {
        Self::start_worker(&built_within("withCountedRows"), overrides).await
    }

    /// The built Worker, whose database runs the statement of the header `Meanwhile` after as many answers to that
    /// request as `Meanwhile-After` says.
    pub(crate) async fn start_with_meanwhile(overrides: &[Setting<'_>]) -> Self {
        Self::start_worker(&built_within("withMeanwhile"), overrides).await
    }

    /// The built Worker with a clock that [`Server::set_clock`] sets.
    pub(crate) async fn start_with_clock(overrides: &[Setting<'_>]) -> Self {
        Self::start_worker(&built_within("withClock"), overrides).await
    }

    /// The built Worker with timers that end ten times sooner.
    pub(crate) async fn start_with_fast_timers(overrides: &[Setting<'_>]) -> Self {
        Self::start_worker(&built_within("withFastTimers"), overrides).await
    }

    /// The built Worker whose rate limits throw.
    pub(crate) async fn start_with_failing_rate_limits(overrides: &[Setting<'_>]) -> Self {
        Self::start_worker(&built_within("withFailingRateLimits"), overrides).await
    }

    /// Starts a JavaScript module in the place of the Worker.
    pub(crate) async fn start_script(text: &str, overrides: &[Setting<'_>]) -> Self {
        Self::start_worker(&script(text), overrides).await
    }

    /// Starts one of this package's examples, built as the Worker is.
    pub(crate) async fn start_example(name: &str, overrides: &[(&str, Option<&str>)]) -> Self {
        let worker = example(name, None).await.expect("a built example");
        Self::start_worker(&worker, overrides).await
    }

    /// The same with timers that end ten times sooner.
    pub(crate) async fn start_example_with_fast_timers(
        name: &str,
        overrides: &[Setting<'_>],
    ) -> Self {
        let worker = example(name, Some("withFastTimers")).await;
        Self::start_worker(&worker.expect("a built example"), overrides).await
    }

    async fn start_worker(worker: &JsValue, overrides: &[Setting<'_>]) -> Self {
        let overrides = Value::from(vec![object(overrides)]);
        let server = start_each(worker, &to_js(&overrides)).await;
        Self(server.expect("a running server"), 0)
    }

    /// A request to be sent exactly as given; only Host and the body's length are added where they are missing.
    /// It comes from an address of its own unless a header CF-Connecting-IP says from where.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, method, path)
    }

    /// Writes bytes to a new connection and reads until the other side closes it, or says nothing for two seconds.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let read = self.0.raw(bytes, self.1).await;
        read.expect("a connection").to_vec()
    }

    /// Sets the Worker's clock so many milliseconds ahead of time, from the next request on.
    pub(crate) fn set_clock(&self, ahead_ms: f64) {
        self.0.set_clock(ahead_ms);
    }

    /// Runs the hourly cron trigger of wrangler.toml, through the runtime's scheduled handler; its outcome is "ok" or
    /// what the runtime calls it.
    pub(crate) async fn run_cron(&self) -> String {
        let outcome = self.0.run_cron(false).await;
        String::from(outcome.expect("the scheduled handler"))
    }

    /// The same with the trigger of every minute, which sends mail.
    pub(crate) async fn run_mail_cron(&self) -> String {
        let outcome = self.0.run_cron(true).await;
        String::from(outcome.expect("the scheduled handler"))
    }

    /// POSTs a body whose rest is sent only once the first chunk of the answer is here; says that chunk and the whole
    /// answer.
    pub(crate) async fn send_interleaved(
        &self,
        path: &str,
        authorization: &str,
        first: &[u8],
        rest: &[u8],
    ) -> (Vec<u8>, Vec<u8>) {
        let headers = Array::of2(&"Authorization".into(), &authorization.into());
        let answer = self.0.send_interleaved(path, &headers, first, rest).await;
        let answer = Array::from(&answer.expect("an answer"));
        let chunk = |index| Uint8Array::new(&answer.get(index)).to_vec();
        (chunk(0), chunk(1))
    }

    /// Opens a WebSocket that offers the protocol `echo` and sends messages, texts or arrays of bytes, each once the one
    /// before is answered. Then it ends as `close` says. The `status` of the handshake, its `headers` by turns, the
    /// `protocol` agreed on, the messages `received`, and how it was `closed`: code and reason.
    pub(crate) async fn web_socket(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        messages: &[Value],
        close: Close<'_>,
    ) -> Value {
        let headers: Vec<_> = headers.iter().map(|&(n, v)| Value::from([n, v])).collect();
        let close = match close {
            Close::With(code, reason) => json!([code, reason]),
            Close::BreakingOff => json!([]),
            Close::ByTheOtherSide => Value::Null,
        };
        let (headers, messages) = (to_js(&headers.into()), to_js(&Value::from(messages)));
        let close = to_js(&close);
        let outcome = self.0.web_socket(path, &headers, &messages, &close).await;
        from_js(&outcome.expect("a handshake"))
    }

    /// Writes bytes to a new connection and closes it once they are on their way.
    pub(crate) async fn send_and_leave(&self, bytes: &[u8]) {
        self.0.send_and_leave(bytes).await.expect("a connection");
    }

    /// Runs a statement on the Worker's database: its rows, as objects by column.
    pub(crate) async fn sql(&self, statement: &str, params: &[Value]) -> Vec<Value> {
        self.try_sql(statement, params).await.expect(statement)
    }

    /// The same where the database may refuse, with what it says.
    pub(crate) async fn try_sql(
        &self,
        statement: &str,
        params: &[Value],
    ) -> Result<Vec<Value>, String> {
        match self.0.sql(statement, &to_js(&Value::from(params))).await {
            Ok(rows) => Ok(from_js(&rows).as_array().expect("rows").clone()),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    /// What the Worker has written to its console so far, an entry a call.
    pub(crate) async fn logs(&self) -> Vec<String> {
        let lines = self.0.logs().await.expect("the console");
        serde_json::from_value(from_js(&lines)).expect("console lines")
    }

    /// The CPU time that workerd has used since it started, in steps of 10 ms. On Linux only.
    pub(crate) fn cpu_ms(&self) -> f64 {
        self.0.cpu_ms()
    }

    /// How the servers that the Worker calls, providers of mail among them, answer its next requests, one after the other:
    /// `{"status", "body", "afterMs"}`, each of them if need be, `{"hangs": true}`, or `{"stalls": true}` where only the head
    /// of the answer comes. Later ones are answered with 200. They also answer for the binding `SEND_EMAIL`, whose error
    /// has the `body` as its code where the `status` is not 200.
    pub(crate) fn providers_answer(&self, answers: &[Value]) {
        self.0.providers_answer(&to_js(&Value::from(answers)));
    }

    /// What has reached them since this was last called: `{"method", "url", "headers", "body"}` each. The URL is
    /// `https://send-email.example/` and the body the message as JSON for what went to `SEND_EMAIL`.
    pub(crate) fn providers_received(&self) -> Vec<Value> {
        let received = from_js(&self.0.providers_received());
        received.as_array().expect("requests").clone()
    }

    /// Ends the process. Those still running when the tests are over end by themselves.
    pub(crate) async fn stop(self) {
        self.0.stop().await.expect("a stopped server");
    }
}

/// The texts of the migrations, in their order.
pub(crate) fn migrations() -> Vec<String> {
    js_migrations()
}

/// What a new database holds after these SQL texts, run one after the other: its tables and indexes, as SQLite
/// describes them.
pub(crate) async fn schema_after(texts: &[&str]) -> Vec<Value> {
    let texts = texts.iter().copied().map(String::from).collect();
    let objects = js_schema_after(texts).await.expect("a schema");
    from_js(&objects).as_array().expect("objects").clone()
}

/// Whether [`Server::cpu_ms`] works on this system.
pub(crate) fn measures_cpu() -> bool {
    js_measures_cpu()
}

fn object(settings: &[Setting<'_>]) -> Value {
    let members = settings.iter();
    members
        .map(|&(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}
