//! How the two old libraries answer, case by case (`tests/fixtures`), against the running Worker.
//! The first line of each recording explains its format in `about`.

use std::collections::BTreeSet;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::harness::{self, Answer, QUICK, SECRET, Server};
use overruled::{
    BEARER, Expected, JWT, answer, flask_jwt_overruled, john, jwt_extended_overruled, left_out,
    verified,
};

mod overruled;

const FLASK_JWT: &str = include_str!("../../fixtures/flask_jwt.golden.jsonl");
const JWT_EXTENDED: &str = include_str!("../../fixtures/jwt_extended.golden.jsonl");

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
    let hash = harness::stored_password("sha512", password, 1_000);
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
        Some(text) => harness::base64url(text.as_str().unwrap().as_bytes()),
        None => harness::base64url(at(now, &token[part]).to_string().as_bytes()),
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
            harness::base64url(&harness::hmac(&hash, key.as_bytes(), message.as_bytes()))
        }
        None => String::new(),
    };
    let mut after = String::new();
    for edit in token["edit"].as_array().into_iter().flatten() {
        match edit[0].as_str().unwrap() {
            "header" => header = harness::base64url(at(now, &edit[1]).to_string().as_bytes()),
            "claims" => claims = harness::base64url(at(now, &edit[1]).to_string().as_bytes()),
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
        let now = harness::now();
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
        if harness::now() == now || case.get("token").is_none() {
            return answer;
        }
    }
}

async fn replay(
    recording: &str,
    user: Map<String, Value>,
    overruled: fn(&str) -> Option<Expected>,
) {
    let server = Server::start(&QUICK).await;
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
    let account = harness::Account::register(&server).await;
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
