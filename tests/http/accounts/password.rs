//! New passwords: their rules, and the tokens that they end.

use futures_util::future::{join, join_all};
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::WRONG;
use crate::harness::{
    self, Account, Answer, PASSWORD, QUICK, Server, Tokens, assert_no_content, me, open, refresh,
    refreshed, seen, send, send_json, sign_in, signed, try_open, unique,
};
use crate::sessions::REVOKED;

async fn register(server: &Server, password: &str) -> Answer {
    let email = format!("{}@example.com", unique("length"));
    let body = json!({ "email": email, "name": "Ann", "password": password });
    server
        .request("POST", "/api/auth/register")
        .json(body)
        .send()
        .await
}

#[wasm_bindgen_test]
async fn new_passwords_are_measured_in_characters() {
    let server = Server::shared().await;
    for (password, refused) in [
        // 14 bytes.
        ("семьбук", Some("at least 8 characters")),
        ("восемь б", None),
        // 28 bytes: no pair of surrogates counts twice.
        ("😀😁😂😃😄😅😆", Some("at least 8 characters")),
        ("😀😁😂😃😄😅😆😇", None),
        // Seven once they are composed, nine once they are taken apart.
        ("e\u{301}tudes1", Some("at least 8 characters")),
        ("ﬃﬃﬃ", None),
        (&"é".repeat(512), None),
        (&"é".repeat(513), Some("at most 1024 bytes")),
    ] {
        let answer = register(&server, password).await;
        let seen = (answer.status, answer.text());
        match refused {
            None => assert_eq!(seen.0, 201, "{password}: {}", seen.1),
            Some(rule) => {
                let expected = format!("{{\"error\":\"password must be {rule} long\"}}\n");
                assert_eq!(seen, (400, expected.as_str()), "{password}");
            }
        }
    }
}

#[wasm_bindgen_test]
async fn names_that_are_older_than_the_rules_are_no_passwords() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let statement = "UPDATE users SET name = ?, username = ?, username_folded = ? WHERE id = ?";
    let (name, username) = ("Ann\u{200b}Lee Green", "ann＠example.com");
    let values = [
        name.into(),
        username.into(),
        username.into(),
        account.id.into(),
    ];
    server.sql(statement, &values).await;
    for (new, what) in [
        ("ANN\u{200b}LEE GREEN", "name"),
        ("Ann@example.com", "username"),
    ] {
        let body = json!({ "current_password": PASSWORD, "new_password": new });
        let request = server.request("POST", "/api/auth/password");
        let request = request.header("Authorization", &account.bearer());
        let answer = request.json(body).send().await;
        let expected = format!("{{\"error\":\"new_password must not be the {what}\"}}\n");
        assert_eq!((answer.status, answer.text()), (400, expected.as_str()));
    }
}

#[wasm_bindgen_test]
async fn the_fewest_characters_are_a_setting() {
    let quick = [
        ("PASSWORD_HASH", Some("argon2id")),
        ("SIGN_IN_FLOOR_MS", Some("100")),
    ];
    let strict = vec![quick[0], quick[1], ("PASSWORD_MIN_LENGTH", Some("15"))];
    let servers = Server::start_sharing_database(&[quick.to_vec(), strict]).await;
    let [lax, strict] = servers.as_slice() else {
        panic!("two servers")
    };
    let short = register(lax, "é14 charactérs").await;
    assert_eq!(short.status, 201, "{}", short.text());
    let answer = register(strict, "é14 charactérs").await;
    let expected = "{\"error\":\"password must be at least 15 characters long\"}\n";
    assert_eq!((answer.status, answer.text()), (400, expected));
    assert_eq!(register(strict, "é15 characters!").await.status, 201);

    // It is asked of new passwords: old ones stay good, and bring a new one.
    let email = short.json()["user"]["email"].as_str().unwrap().to_owned();
    let signed_in = sign_in(strict, &email, "é14 charactérs").await;
    assert_eq!(signed_in.status, 200);
    let bearer = format!(
        "Bearer {}",
        signed_in.json()["access_token"].as_str().unwrap()
    );
    for (new, status, body) in [
        (
            "14 characters!",
            400,
            "{\"error\":\"new_password must be at least 15 characters long\"}\n",
        ),
        ("15 characters!!", 204, ""),
    ] {
        let body_sent = json!({ "current_password": "é14 charactérs", "new_password": new });
        let request = strict.request("POST", "/api/auth/password");
        let request = request.header("Authorization", &bearer);
        let answer = request.json(body_sent).send().await;
        assert_eq!((answer.status, answer.text()), (status, body));
    }
    lax.clone().stop().await;
}

const NEW_PASSWORD: &str = "another horse battery";

#[wasm_bindgen_test]
async fn a_new_password_ends_every_other_token_at_once() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let (here, there) = (open(&server, &account).await, open(&server, &account).await);
    let old_service = |age: u64| {
        signed(&json!({
            "identity": account.id, "iat": harness::now() - age, "exp": harness::now() + 600,
        }))
    };
    let before = old_service(5);
    assert_eq!(me(&server, &before).await, 200);
    let change = async |token: &str, current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        send_json(&server, "POST", "/api/auth/password", token, body).await
    };
    let answer = change(&here.access, "wrong horse battery", NEW_PASSWORD).await;
    assert_eq!(seen(&answer), (403, WRONG));
    let answer = change(&here.access, PASSWORD, NEW_PASSWORD).await;
    assert_no_content(&answer);

    // Issued in the same second, some of them.
    for token in [&there.access, &account.access_token, &before] {
        let answer = send(&server, "GET", "/api/auth/me", token).await;
        assert_eq!(seen(&answer), (401, REVOKED));
    }
    assert_eq!(
        seen(&refresh(&server, &there.refresh).await),
        (401, REVOKED)
    );
    assert_eq!(me(&server, &here.access).await, 200);
    let here = refreshed(&server, &here.refresh).await;
    assert_eq!(me(&server, &here.access).await, 200);
    let old = harness::sign_in(&server, &account.email, PASSWORD).await;
    assert_eq!(old.status, 401);
    let new = harness::sign_in(&server, &account.email, NEW_PASSWORD).await;
    let new = new.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(me(&server, &new).await, 200);

    // By a token without a session: that goes too.
    assert_no_content(&change(&new, NEW_PASSWORD, PASSWORD).await);
    assert_eq!(me(&server, &new).await, 401);
    assert_eq!(me(&server, &here.access).await, 401);
}

#[wasm_bindgen_test]
async fn a_sign_in_that_meets_a_new_password_opens_no_session() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let here = open(&server, &account).await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let change = send_json(&server, "POST", "/api/auth/password", &here.access, body);
    let opening = join_all((0..8).map(|_| try_open(&server, &account, PASSWORD)));
    let (changed, opened) = join(change, opening).await;
    assert_no_content(&changed);
    for answer in opened.iter().filter(|answer| answer.status == 200) {
        let tokens = Tokens::of(answer);
        assert_eq!(me(&server, &tokens.access).await, 401);
        assert_eq!(refresh(&server, &tokens.refresh).await.status, 401);
    }
    // Of those from before the change some may be left, but none stands.
    let statement = "SELECT sessions.id FROM sessions JOIN users ON users.id = user_id \
                     WHERE user_id = ? AND sessions.epoch = users.epoch";
    let left = server.sql(statement, &[account.id.into()]).await;
    assert_eq!(left, [json!({ "id": here.session() })]);
}

#[wasm_bindgen_test]
async fn new_passwords_follow_the_rules_and_wrong_ones_are_counted() {
    let server = Server::start(&QUICK).await;
    let account = Account::register(&server).await;
    let token = &account.access_token;
    for (body, text) in [
        (
            json!({}),
            "Missing required fields: current_password, new_password",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "" }),
            "Missing required fields: current_password, new_password",
        ),
        (
            json!({ "current_password": 1, "new_password": NEW_PASSWORD }),
            "current_password must be a string",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "short" }),
            "new_password must be at least 8 characters long",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": account.email }),
            "new_password must not be the email address or the part before its @",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "password1" }),
            "new_password must not be one of the most common passwords",
        ),
    ] {
        let answer = send_json(&server, "POST", "/api/auth/password", token, body).await;
        let expected = format!("{{\"error\":\"{text}\"}}\n");
        assert_eq!(seen(&answer), (400, expected.as_str()));
    }
    let address = "192.0.2.1";
    let wrong = json!({ "current_password": "wrong", "new_password": NEW_PASSWORD });
    let wrongs = [
        ("POST", "/api/auth/password", wrong),
        ("DELETE", "/api/auth/me", json!({ "password": "wrong" })),
    ];
    let send_wrong = async |turn: usize| {
        let (method, path, body) = &wrongs[turn % 2];
        let request = server.request(method, path);
        let request = request.header("Authorization", &account.bearer());
        let request = request.header("CF-Connecting-IP", address);
        request.json(body.clone()).send().await
    };
    for turn in 0..5 {
        assert_eq!(seen(&send_wrong(turn).await), (403, WRONG));
    }
    let answer = send_wrong(5).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.headers.get("Retry-After").as_deref(), Some("1"));
    let sign_in = harness::sign_in_from(&server, address, &account.email, PASSWORD).await;
    assert_eq!(sign_in.status, 429);
    assert_eq!(me(&server, token).await, 200);
    server.stop().await;
}
