//! How the two old libraries answer, case by case (`tests/fixtures`), against the running Worker.
//! The first line of each recording explains its format in `about`.

use std::collections::BTreeSet;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::given::{self, SECRET};
use crate::support::{self, Answer, Server};

const FLASK_JWT: &str = include_str!("../fixtures/flask_jwt.golden.jsonl");
const JWT_EXTENDED: &str = include_str!("../fixtures/jwt_extended.golden.jsonl");

/// The challenge of the first dialect.
const JWT: &str = "JWT realm=\"Login Required\"";
/// The challenge of the second dialect.
const BEARER: &str = "Bearer";

/// What a client must see.
#[derive(Debug, PartialEq)]
struct Expected {
    status: u16,
    /// Null where the body is empty.
    body: Value,
    challenge: Option<&'static str>,
    allow: Option<&'static str>,
    /// The headers of `/verify`, where the recording shows its sample application's view.
    user_id: Option<&'static str>,
}

fn answer(status: u16, body: Value) -> Expected {
    Expected {
        status,
        body,
        challenge: None,
        allow: None,
        user_id: None,
    }
}

/// A problem with the request to `/auth`.
fn message(status: u16, text: &str) -> Expected {
    answer(status, json!({ "message": text }))
}

/// A problem with another request.
fn error(status: u16, text: &str) -> Expected {
    answer(status, json!({ "error": text }))
}

/// A token problem in the first dialect.
fn refused(error: &str, description: &str) -> Expected {
    let body = json!({ "description": description, "error": error, "status_code": 401 });
    Expected {
        challenge: Some(JWT),
        ..answer(401, body)
    }
}

/// A token problem in the second dialect.
fn msg(text: &str) -> Expected {
    Expected {
        challenge: Some(BEARER),
        ..answer(401, json!({ "msg": text }))
    }
}

fn verified() -> Expected {
    Expected {
        user_id: Some("1"),
        ..answer(200, json!({}))
    }
}

fn token() -> Expected {
    answer(200, json!({ "access_token": "<access token>" }))
}

fn john() -> Value {
    json!({
        "created_at": "2024-01-15T10:30:00",
        "email": "john@example.com",
        "id": 1,
        "name": "John Doe",
        "role": "customer",
        "updated_at": "2024-01-15T10:30:00",
    })
}

fn me() -> Expected {
    answer(200, json!({ "user": john() }))
}

/// The contract's answer where it overrules a recording of Flask-JWT's.
fn flask_jwt_overruled(case: &str) -> Option<Expected> {
    let missing = "Missing Authorization Header";
    let scheme = "Missing 'Bearer' type in 'Authorization' header. \
                  Expected 'Authorization: Bearer <JWT>'";
    let no_user = || refused("Invalid JWT", "User does not exist");
    let invalid = |description| refused("Invalid token", description);
    Some(match case {
        // "a field absent": 400, as the document has it.
        "auth: password missing"
        | "auth: username missing"
        | "auth: empty object"
        | "auth: wrong key name" => message(400, "Bad request"),
        // "Extra keys are ignored."
        "auth: extra key" => token(),
        // "a duplicate key is malformed".
        "auth: duplicate key, last right" => message(400, "Bad request"),
        // "a value null, empty or no string".
        "auth: username array"
        | "auth: password number, user known"
        | "auth: password array, user known" => message(401, "Invalid credentials"),
        // "malformed JSON": NaN is no number (RFC 8259 section 6), and half a surrogate pair no
        // character.
        "auth: username NaN" | "auth: lone surrogate escape" => message(400, "Bad request"),
        // "not an object", "wrong Content-Type", "no body".
        "auth: JSON null"
        | "auth: JSON array"
        | "auth: JSON empty array"
        | "auth: JSON string"
        | "auth: JSON number"
        | "auth: JSON true"
        | "auth: no content type"
        | "auth: no content type, no body"
        | "auth: text/plain"
        | "auth: form"
        | "auth: application/jsonp"
        | "auth: malformed JSON as text/plain"
        | "auth: credentials in the query only" => message(400, "Bad request"),
        // Without either scheme `/verify` answers in the second dialect.
        "protected: no header"
        | "protected: empty header"
        | "protected: white space header"
        | "protected: token in the query string"
        | "protected: OPTIONS no header" => msg(missing),
        "protected: HEAD no header" => Expected {
            body: Value::Null,
            ..msg(missing)
        },
        "protected: Basic" | "protected: token without prefix" => msg(scheme),
        "protected: Bearer alone" => {
            msg("Bad Authorization header. Expected 'Authorization: Bearer <JWT>'")
        }
        // "every protected route takes both schemes", "also as one of several in a
        // comma-separated header, whose empty elements are skipped".
        "protected: Bearer <good>"
        | "protected: comma joined"
        | "protected: signature with , appended" => verified(),
        // "Segments are strict base64url without padding or stray bits": of the quoted token the
        // first segment is none already.
        "protected: quoted" => invalid("Invalid header padding"),
        "protected: signature padded with ="
        | "protected: signature with !!!! appended"
        | "protected: last signature character, unused bits changed" => {
            invalid("Invalid crypto padding")
        }
        // "`exp` required, a number, in the future, no leeway".
        "protected: exp at the leeway (now-10)" => invalid("Signature has expired"),
        "protected: exp a digit string" | "protected: exp an array" | "protected: exp Infinity" => {
            invalid("Expiration Time claim (exp) must be an integer.")
        }
        // "`nbf` and `iat` optional, numbers".
        "protected: missing iat" | "protected: missing nbf" => verified(),
        "protected: iat an object" => invalid("Issued At claim (iat) must be an integer."),
        // "`aud` not looked at".
        "protected: aud present"
        | "protected: aud empty string"
        | "protected: aud null"
        | "protected: aud array"
        | "protected: aud array with a number" => verified(),
        // "no `crit`"; "`kid`, if present, a string"; "`iss`, if present, ours".
        "protected: crit header" => invalid("Unsupported critical extension: x"),
        "protected: kid a number" => invalid("Key ID header parameter must be a string"),
        "protected: iss, sub, jti, extra claims" => invalid("Invalid issuer"),
        // "else from `identity` (an integer)".
        "protected: no identity claim"
        | "protected: identity as a string"
        | "protected: identity true"
        | "protected: identity an array" => no_user(),
        // "`/verify`, any method".
        "protected: POST good" => verified(),
        _ => return None,
    })
}

/// The contract's answer where it overrules a recording of Flask-JWT-Extended's.
fn jwt_extended_overruled(case: &str) -> Option<Expected> {
    Some(match case {
        // Passwords may have up to 1,024 bytes.
        "register: password of 73 bytes" => {
            let mut user = john();
            for (key, value) in [
                ("id", json!(2)),
                ("email", json!("a@b.c")),
                ("name", json!("n")),
                ("created_at", json!("<iso datetime>")),
                ("updated_at", json!("<iso datetime>")),
            ] {
                user[key] = value;
            }
            let message = "User registered successfully";
            answer(
                201,
                json!({ "access_token": "<access token>", "message": message, "user": user }),
            )
        }
        // "a value that is no string: 400 naming the field".
        "login: password number, user known" => error(400, "password must be a string"),
        // "JSON that is no object".
        "login: JSON null" | "login: JSON array" | "login: JSON string" => {
            error(400, "Request body must be a JSON object")
        }
        // "both schemes, in any case of letters", "empty elements are skipped".
        "me: lower case bearer <good>" | "me: JWT <good>" | "me: empty field between commas" => {
            me()
        }
        // "strict base64url".
        "me: signature padded with =" => msg("Invalid crypto padding"),
        // "`exp` required, a number".
        "me: no exp" | "me: exp null" => msg("Missing claim: exp"),
        "me: exp a digit string" => msg("Expiration Time claim (exp) must be an integer."),
        // "`type` absent or `access`".
        "me: type other" => msg("Only non-refresh tokens are allowed"),
        // "A claim … that is null counts as absent."
        "me: jti null" => me(),
        "me: sub null" => msg("Missing claim: sub"),
        // The sample application's own list of revoked tokens.
        "me: revoked" => me(),
        // "Refresh JWTs of the old service are not accepted."
        "refresh: good refresh token" => msg("Token has been revoked"),
        _ => return None,
    })
}

/// Cases that no request here can repeat, with the reason.
fn left_out(case: &str) -> Option<&'static str> {
    match case {
        "token shape: refresh token" | "token shape: fresh access token" => {
            Some("made by a call of the library, not by a request")
        }
        _ if case.starts_with("fresh: ") || case.starts_with("optional: ") => {
            Some("a route of the recording's own")
        }
        _ => None,
    }
}

/// What a recorded answer means under the rules that hold for all cases.
fn translated(case: &str, recorded: &Value, path: &str) -> Expected {
    let mut status = recorded["status"].as_u64().unwrap() as u16;
    let mut body = recorded["body"].clone();
    // "`OPTIONS` is a wrong method until `ALLOWED_ORIGINS` is set."
    if case.ends_with(": OPTIONS") || case == "me: OPTIONS no header" {
        status = 405;
        body = json!("<html error page>");
    }
    // "always 401, as the document says, also where the recording shows 422".
    if status == 422 {
        status = 401;
    }
    let mut expected = answer(status, body);
    if expected.body == json!("<html error page>") {
        expected.body = match (path, status) {
            ("/auth", 405) => json!({ "message": "Method not allowed" }),
            ("/auth", _) => json!({ "message": "Bad request" }),
            (_, 404) => json!({ "error": "Not found" }),
            (_, 405) => json!({ "error": "Method not allowed" }),
            (_, 415) => json!({ "error": "Content-Type must be application/json" }),
            (_, 400) => json!({ "error": "Request body must be a JSON object" }),
            _ => json!("a defect that the contract must overrule"),
        };
    }
    if status == 405 {
        expected.allow = Some(if path == "/api/auth/me" {
            "GET, HEAD, PATCH, DELETE"
        } else {
            "POST"
        });
    }
    if path == "/auth" && status == 401 {
        // As the document has it.
        expected.body = json!({ "message": "Invalid credentials" });
    } else if status == 401 {
        if path == "/verify" && case.starts_with("protected: ") {
            expected.challenge = Some(JWT);
        } else if ["/verify", "/api/auth/me", "/api/auth/refresh"].contains(&path) {
            expected.challenge = Some(BEARER);
        }
    }
    if expected.body == json!({ "id": 1 }) {
        expected = verified();
    }
    if case == "protected: HEAD good" {
        expected.user_id = Some("1");
    }
    // "A recorded text that goes on to quote Python's own JSON or codec error holds up to its
    // first colon."
    for field in ["msg", "description"] {
        if let Some(Value::String(text)) = expected.body.get_mut(field)
            && let Some((before, after)) = text.split_once(": ")
            && before.ends_with(" string")
            && after != "must be a json object"
        {
            *text = before.to_owned();
        }
    }
    if expected.body == json!("") {
        expected.body = Value::Null;
    }
    expected
}

/// What the Worker answered, in the recordings' notation. Checks what must hold of every answer.
fn seen(case: &str, answer: &Answer, expected: &Expected) -> Expected {
    assert_eq!(
        answer.headers.get("Content-Type").as_deref(),
        Some("application/json"),
        "{case}"
    );
    assert_eq!(
        answer.headers.get("Cache-Control").as_deref(),
        Some("no-store"),
        "{case}"
    );
    assert_eq!(
        answer.headers.get("X-Content-Type-Options").as_deref(),
        Some("nosniff"),
        "{case}"
    );
    let mut body = Value::Null;
    if !answer.body.is_empty() {
        body = answer.json();
        // Compact, keys sorted, one newline after.
        assert_eq!(answer.text(), format!("{body}\n"), "{case}");
    }
    if let Some(token) = body.get_mut("access_token") {
        assert_eq!(token.as_str().unwrap().split('.').count(), 3, "{case}");
        *token = json!("<access token>");
    }
    for time in ["created_at", "updated_at"] {
        if expected.body["user"][time] == "<iso datetime>" {
            let text = body["user"][time].as_str().unwrap_or_default();
            let shape: String = text
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c })
                .collect();
            assert_eq!(shape, "0000-00-00T00:00:00", "{case}: {body}");
            body["user"][time] = json!("<iso datetime>");
        }
    }
    let same = |name: &str, wanted: Option<&'static str>| {
        let value = answer.headers.get(name);
        assert_eq!(value.as_deref(), wanted, "{case}: {name}");
        wanted
    };
    Expected {
        status: answer.status,
        body,
        challenge: same("WWW-Authenticate", expected.challenge),
        allow: same("Allow", expected.allow),
        user_id: same("X-Auth-User-Id", expected.user_id),
    }
}

/// Puts the accounts into the state in which a case starts.
async fn reset(server: &Server, user: Option<Map<String, Value>>) {
    server.sql("DELETE FROM users", &[]).await;
    server.sql("DELETE FROM sqlite_sequence", &[]).await;
    if let Some(user) = user {
        let columns: Vec<_> = user.keys().cloned().collect();
        let places = vec!["?"; columns.len()].join(", ");
        let values: Vec<_> = user.values().cloned().collect();
        let columns = columns.join(", ");
        let statement = format!("INSERT INTO users ({columns}) VALUES ({places})");
        server.sql(&statement, &values).await;
    }
}

/// A row of `users` with `password`.
fn row(user: &Value, password: &str) -> Map<String, Value> {
    let mut row = user.as_object().unwrap().clone();
    let hash = given::stored_password("sha512", password, 210_000);
    row.insert("password_hash".into(), hash.into());
    row
}

/// Replaces "now", "now+N" and "now-N".
fn at(now: u64, claims: &Value) -> Value {
    let Value::Object(claims) = claims else {
        return claims.clone();
    };
    let resolve = |value: &Value| {
        let Some(offset) = value.as_str().and_then(|text| text.strip_prefix("now")) else {
            return value.clone();
        };
        let offset: i64 = if offset.is_empty() {
            0
        } else {
            offset.parse().unwrap()
        };
        json!(now as i64 + offset)
    };
    claims
        .iter()
        .map(|(key, value)| (key.clone(), resolve(value)))
        .collect()
}

/// Builds the token of a case.
fn built(token: &Value, now: u64) -> String {
    let segment = |part: &str| match token.get(format!("{part}_text")) {
        Some(text) => support::base64url(text.as_str().unwrap().as_bytes()),
        None => support::base64url(at(now, &token[part]).to_string().as_bytes()),
    };
    let mut header = segment("header");
    let mut claims = segment("claims");
    let key = token["key"].as_str().unwrap_or(SECRET);
    let algorithm = token["sign_with"]
        .as_str()
        .or(token["header"]["alg"].as_str())
        .unwrap();
    let message = format!("{header}.{claims}");
    let mut signature = match algorithm.strip_prefix("HS") {
        Some(bits) => {
            let hash = format!("sha{bits}");
            support::base64url(&support::hmac(&hash, key.as_bytes(), message.as_bytes()))
        }
        None => String::new(),
    };
    let mut after = String::new();
    for edit in token["edit"].as_array().into_iter().flatten() {
        match edit[0].as_str().unwrap() {
            "header" => header = support::base64url(at(now, &edit[1]).to_string().as_bytes()),
            "claims" => claims = support::base64url(at(now, &edit[1]).to_string().as_bytes()),
            "append" => after.push_str(edit[1].as_str().unwrap()),
            "drop_signature" => return format!("{header}.{claims}"),
            "empty_signature" => signature.clear(),
            "flip_first_sig_char" => {
                let flipped = if signature.starts_with('A') { "B" } else { "A" };
                signature.replace_range(..1, flipped);
            }
            "last_sig_char_same_bytes" => {
                let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
                let index = alphabet.find(signature.pop().unwrap()).unwrap() ^ 1;
                signature.push(alphabet.chars().nth(index).unwrap());
            }
            other => panic!("unknown edit {other}"),
        }
    }
    format!("{header}.{claims}.{signature}{after}")
}

/// The token of a case: made by the old library's call, by a sign-in here, or as described.
async fn token_of(server: &Server, case: &Value, now: u64) -> Option<String> {
    let token = case.get("token")?;
    match token["issued_by"].as_str() {
        Some("create_access_token(1)") => {
            let claims = json!({ "sub": 1, "exp": "now+900", "type": "access" });
            Some(built(
                &json!({ "header": { "alg": "HS256" }, "claims": claims }),
                now,
            ))
        }
        Some(call) => {
            let path = call.strip_prefix("POST ").unwrap();
            let credentials = if path == "/auth" {
                json!({ "username": "sapan", "password": "sapan1234" })
            } else {
                json!({ "email": "john@example.com", "password": "securePassword123" })
            };
            let answer = server.request("POST", path).json(credentials).send().await;
            Some(answer.json()["access_token"].as_str().unwrap().to_owned())
        }
        None => Some(built(token, now)),
    }
}

/// Puts the case's token where a `<… token>` stands.
fn with_token(text: &str, token: Option<&str>) -> String {
    let mut result = text.to_owned();
    while let Some(start) = result.find('<') {
        let end = start + result[start..].find('>').unwrap();
        result.replace_range(start..=end, token.unwrap());
    }
    result
}

/// Sends a case's request within one second of the clock, so that its "now" is the Worker's.
async fn ask(server: &Server, case: &Value, path: &str) -> Answer {
    loop {
        let now = given::now();
        let token = token_of(server, case, now).await;
        let request = &case["request"];
        let path = with_token(path, token.as_deref());
        let mut builder = server.request(request["method"].as_str().unwrap(), &path);
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            builder = builder.header(name, &with_token(value.as_str().unwrap(), token.as_deref()));
        }
        if let Some(encoded) = request["body_base64"].as_str() {
            builder = builder.body(Base64::decode_vec(encoded).unwrap());
        } else if let Some(text) = request["body"].as_str().filter(|text| !text.is_empty()) {
            builder = builder.body(text);
        }
        let answer = builder.send().await;
        if given::now() == now || case.get("token").is_none() {
            return answer;
        }
    }
}

async fn replay(
    recording: &str,
    user: Map<String, Value>,
    overruled: fn(&str) -> Option<Expected>,
) {
    let server = Server::start(&[("SIGN_IN_FLOOR_MS", Some("240"))]).await;
    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    for line in recording.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["case"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{name} is there twice");
        if let Some(reason) = left_out(name) {
            console_log!("left out: {name}: {reason}");
            continue;
        }
        let path = case["request"]["path"].as_str().unwrap();
        let path = if case["state"] == "user_lookup_loader" {
            // Only beside `/api/*` is a deleted account a token problem.
            "/verify".to_owned()
        } else {
            path.replace("/protected", "/verify")
        };
        let (route, _) = path.split_once('?').unwrap_or((&path, ""));

        let translated = translated(name, &case["response"], route);
        let expected = match overruled(name) {
            Some(expected) if expected == translated => panic!("{name}: nothing to overrule"),
            Some(expected) => expected,
            None => translated,
        };
        let seeded = case["state"].is_null().then(|| user.clone());
        reset(&server, seeded).await;
        let answer = ask(&server, &case, &path).await;
        let seen = seen(name, &answer, &expected);
        if seen != expected {
            problems.push(format!(
                "{name}\n  expected {expected:?}\n  seen     {seen:?}"
            ));
        }
    }
    server.stop().await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[wasm_bindgen_test]
async fn flask_jwt() {
    let user = json!({
        "id": 1, "username": "sapan", "username_folded": "sapan", "name": "Sapan",
    });
    replay(FLASK_JWT, row(&user, "sapan1234"), flask_jwt_overruled).await;
}

#[wasm_bindgen_test]
async fn jwt_extended() {
    replay(
        JWT_EXTENDED,
        row(&john(), "securePassword123"),
        jwt_extended_overruled,
    )
    .await;
}

#[wasm_bindgen_test]
async fn issued_tokens_have_the_recorded_shape() {
    let server = Server::shared().await;
    let account = given::Account::register(&server).await;
    let parts: Vec<Value> = account
        .access_token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap())
        .collect();
    for recording in [FLASK_JWT, JWT_EXTENDED] {
        let first: Value = serde_json::from_str(recording.lines().next().unwrap()).unwrap();
        let token = &first["token"];
        for (name, value) in token["header"].as_object().unwrap() {
            assert_eq!(&parts[0][name], value, "{name}");
        }
        for (name, value) in token["claims"].as_object().unwrap() {
            let ours = &parts[1][name];
            match name.as_str() {
                // For cookies, which are not taken here.
                "csrf" => assert!(ours.is_null()),
                "sub" | "identity" | "iat" | "nbf" | "exp" | "jti" => {
                    let recorded_is_number = value.is_number() || value.to_string().contains("now");
                    assert_eq!(ours.is_number(), recorded_is_number, "{name}");
                }
                _ => assert_eq!(ours, value, "{name}"),
            }
        }
    }
    let life = parts[1]["exp"].as_u64().unwrap() - parts[1]["iat"].as_u64().unwrap();
    assert_eq!(life, 900);
}
