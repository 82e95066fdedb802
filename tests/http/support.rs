//! A Worker in workerd, and what can be asked of it from outside: HTTP, its database, its console, its CPU time.
//! Beside it, implementations of PBKDF2, HMAC and JSON Web Tokens that are not ours, to compare with.

use js_sys::{Array, JSON, JsString, Uint8Array};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/tests/support/server.mjs")]
extern "C" {
    #[derive(Clone)]
    type JsServer;
    type JsAnswer;

    #[wasm_bindgen(catch, js_name = startEach)]
    async fn start_each(worker: &JsValue, settings: &JsValue) -> Result<JsServer, JsValue>;
    #[wasm_bindgen(catch)]
    async fn shared() -> Result<JsServer, JsValue>;
    fn built(folder: &str) -> JsValue;
    #[wasm_bindgen(js_name = builtWithin)]
    fn built_within(wrapper: &str) -> JsValue;
    fn script(text: &str) -> JsValue;
    #[wasm_bindgen(catch)]
    async fn example(name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, method)]
    async fn send(
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
    async fn send_over_https(
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
    async fn run_cron(this: &JsServer) -> Result<JsString, JsValue>;
    #[wasm_bindgen(method, js_name = setClock)]
    fn set_clock(this: &JsServer, ahead_ms: f64);
    #[wasm_bindgen(catch, method)]
    async fn logs(this: &JsServer) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, js_name = cpuMs)]
    fn cpu_ms(this: &JsServer) -> f64;
    #[wasm_bindgen(catch, method)]
    async fn stop(this: &JsServer) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn status(this: &JsAnswer) -> u16;
    #[wasm_bindgen(method, getter)]
    fn headers(this: &JsAnswer) -> Vec<String>;
    #[wasm_bindgen(method, getter)]
    fn body(this: &JsAnswer) -> Vec<u8>;
    #[wasm_bindgen(method, getter, js_name = waitedMs)]
    fn waited_ms(this: &JsAnswer) -> f64;

    #[wasm_bindgen(js_name = migrations)]
    fn js_migrations() -> Vec<String>;
    #[wasm_bindgen(catch, variadic, js_name = schemaAfter)]
    async fn js_schema_after(texts: Vec<String>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = measuresCpu)]
    fn js_measures_cpu() -> bool;
    #[wasm_bindgen(js_name = pbkdf2)]
    fn node_pbkdf2(
        hash: &str,
        password: &[u8],
        salt: &[u8],
        iterations: u32,
        length: u32,
    ) -> Vec<u8>;
    #[wasm_bindgen(js_name = hmac)]
    fn node_hmac(hash: &str, key: &[u8], data: &[u8]) -> Vec<u8>;
    #[wasm_bindgen(js_name = base64url)]
    fn node_base64url(bytes: &[u8]) -> String;
    #[wasm_bindgen(catch, js_name = joseSign)]
    async fn js_jose_sign(
        header: &JsValue,
        claims: &JsValue,
        secret: &str,
    ) -> Result<JsString, JsValue>;
    #[wasm_bindgen(catch, js_name = joseVerify)]
    async fn js_jose_verify(token: &str, secret: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = joseSignByJwk)]
    async fn js_jose_sign_by_jwk(
        header: &JsValue,
        claims: &JsValue,
        jwk: &JsValue,
    ) -> Result<JsString, JsValue>;
    #[wasm_bindgen(catch, js_name = joseVerifyByJwks)]
    async fn js_jose_verify_by_jwks(
        token: &str,
        jwks: &JsValue,
        issuer: &str,
        algorithm: &str,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = joseThumbprint)]
    async fn js_jose_thumbprint(jwk: &JsValue) -> Result<JsString, JsValue>;
    #[wasm_bindgen(catch, js_name = makeKey)]
    fn js_make_key(algorithm: &str) -> Result<String, JsValue>;
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
pub(crate) struct Server(JsServer, u32);

impl Server {
    /// Starts the built Worker with the bindings of wrangler.toml, a test secret and these settings over them.
    ///
    /// Two services are bound: `BOOKSTORE`, the example, and `UPSTREAM`, tests/support/upstream.js, which also answers
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
        Self(shared().await.expect("the shared server"), 0)
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

    /// The built Worker whose rate limits throw.
    pub(crate) async fn start_with_failing_rate_limits() -> Self {
        Self::start_worker(&built_within("withFailingRateLimits"), &[]).await
    }

    /// Starts a JavaScript module in the place of the Worker.
    pub(crate) async fn start_script(text: &str, overrides: &[Setting<'_>]) -> Self {
        Self::start_worker(&script(text), overrides).await
    }

    /// Starts one of this package's examples, built as the Worker is.
    pub(crate) async fn start_example(name: &str, overrides: &[(&str, Option<&str>)]) -> Self {
        let worker = example(name).await.expect("a built example");
        Self::start_worker(&worker, overrides).await
    }

    async fn start_worker(worker: &JsValue, overrides: &[Setting<'_>]) -> Self {
        let overrides = Value::from(vec![object(overrides)]);
        let server = start_each(worker, &to_js(&overrides)).await;
        Self(server.expect("a running server"), 0)
    }

    /// A request to be sent exactly as given; only Host and the body's length are added where they are missing.
    /// It comes from an address of its own unless a header CF-Connecting-IP says from where.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder<'_> {
        RequestBuilder {
            server: self,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Array::new(),
            chunks: Array::new(),
            chunked: false,
        }
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

    /// Runs the cron trigger of wrangler.toml, through the runtime's scheduled handler; its outcome is "ok" or what
    /// the runtime calls it.
    pub(crate) async fn run_cron(&self) -> String {
        let outcome = self.0.run_cron().await.expect("the scheduled handler");
        String::from(outcome)
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

    /// Ends the process. Those still running when the tests are over end by themselves.
    pub(crate) async fn stop(self) {
        self.0.stop().await.expect("a stopped server");
    }
}

pub(crate) struct RequestBuilder<'a> {
    server: &'a Server,
    method: String,
    path: String,
    headers: Array,
    chunks: Array,
    chunked: bool,
}

impl RequestBuilder<'_> {
    /// Adds a header, beside those of the same name. Each character is sent as the byte of its number.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.headers.push(&name.into());
        self.headers.push(&value.into());
        self
    }

    /// A JSON body and its Content-Type.
    pub(crate) fn json(self, value: Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(value.to_string())
    }

    /// A body with its Content-Length.
    pub(crate) fn body(self, bytes: impl AsRef<[u8]>) -> Self {
        self.chunks.push(&Uint8Array::from(bytes.as_ref()));
        self
    }

    /// A body in these pieces, of a length that is not told before.
    pub(crate) fn chunks(self, chunks: &[&[u8]]) -> Self {
        for chunk in chunks {
            self.chunks.push(&Uint8Array::from(*chunk));
        }
        Self {
            chunked: true,
            ..self
        }
    }

    pub(crate) async fn send(self) -> Answer {
        self.send_held_back(0).await.0
    }

    /// Holds the body's last byte back for so many milliseconds; says also how many the answer took
    /// after it.
    pub(crate) async fn send_held_back(self, hold_back_ms: u32) -> (Answer, f64) {
        let answer = self
            .server
            .0
            .send(
                &self.method,
                &self.path,
                &self.headers,
                &self.chunks,
                self.chunked,
                hold_back_ms,
                self.server.1,
            )
            .await
            .expect("an answer");
        let waited_ms = answer.waited_ms();
        (Answer::new(&answer), waited_ms)
    }

    /// Sends the request so that the Worker sees an https URL. Header names that HTTP does not know are refused, and a
    /// body has its length.
    pub(crate) async fn send_over_https(self) -> Answer {
        let server = self.server;
        let (headers, chunks) = (&self.headers, &self.chunks);
        let answer = server
            .0
            .send_over_https(&self.method, &self.path, headers, chunks, server.1);
        Answer::new(&answer.await.expect("an answer"))
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn new(answer: &JsAnswer) -> Self {
        Self {
            status: answer.status(),
            headers: Headers(answer.headers()),
            body: answer.body(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("a body of UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// Names and values by turns, as they came.
#[derive(Debug)]
pub(crate) struct Headers(Vec<String>);

impl Headers {
    /// The value of the first header of this name, in whatever case.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.all()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .as_chunks()
            .0
            .iter()
            .map(|[name, value]| (name.as_str(), value.as_str()))
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

/// PBKDF2 by Node; `hash` is "sha256" or another name that OpenSSL knows.
pub(crate) fn pbkdf2(
    hash: &str,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: u32,
) -> Vec<u8> {
    node_pbkdf2(hash, password, salt, iterations, length)
}

/// HMAC by Node.
pub(crate) fn hmac(hash: &str, key: &[u8], data: &[u8]) -> Vec<u8> {
    node_hmac(hash, key, data)
}

/// Base64url without padding, by Node.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    node_base64url(bytes)
}

/// A token that npm's jose signs.
pub(crate) async fn jose_sign(header: Value, claims: Value, secret: &str) -> String {
    js_jose_sign(&to_js(&header), &to_js(&claims), secret)
        .await
        .expect("a signed token")
        .into()
}

/// The claims of a token that npm's jose finds good, or what it finds wrong.
pub(crate) async fn jose_verify(token: &str, secret: &str) -> Result<Value, String> {
    match js_jose_verify(token, secret).await {
        Ok(claims) => Ok(from_js(&claims)),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// A token that npm's jose signs by a private JWK, with the `alg` of the header.
pub(crate) async fn jose_sign_by_jwk(header: &Value, claims: &Value, jwk: &Value) -> String {
    js_jose_sign_by_jwk(&to_js(header), &to_js(claims), &to_js(jwk))
        .await
        .expect("a signed token")
        .into()
}

/// `{"header", "payload"}` of a token that npm's jose finds good by a JWK Set, or what it finds wrong.
pub(crate) async fn jose_verify_by_jwks(
    token: &str,
    jwks: &Value,
    issuer: &str,
    algorithm: &str,
) -> Result<Value, String> {
    match js_jose_verify_by_jwks(token, &to_js(jwks), issuer, algorithm).await {
        Ok(verified) => Ok(from_js(&verified)),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// A JWK's thumbprint (RFC 7638) by npm's jose.
pub(crate) async fn jose_thumbprint(jwk: &Value) -> String {
    let thumbprint = js_jose_thumbprint(&to_js(jwk)).await;
    thumbprint.expect("a thumbprint").into()
}

/// The key that `make keys` prints for an algorithm.
pub(crate) fn make_key(algorithm: &str) -> String {
    js_make_key(algorithm).expect("a key")
}

fn object(settings: &[Setting<'_>]) -> Value {
    let members = settings.iter();
    members
        .map(|&(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}

fn to_js(value: &Value) -> JsValue {
    JSON::parse(&value.to_string()).expect("JSON")
}

fn from_js(value: &JsValue) -> Value {
    let text = JSON::stringify(value).expect("a value that JSON can hold");
    serde_json::from_str(&String::from(text)).expect("JSON")
}
