//! `amr` and `max_age`: by what and when somebody must have shown who they are.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{FORBIDDEN, header, make_admin, reached, received};
use crate::harness::{
    Account, Answer, Close, QUICK, Server, claims, now, open, refreshed, seen, send, signed,
};

const TEXT: &str = "Insufficient user authentication";

/// The challenge, with the `max_age` that it names.
fn challenge(max_age: Option<u64>) -> String {
    let max_age = max_age.map(|age| format!(", max_age=\"{age}\""));
    let max_age = max_age.unwrap_or_default();
    format!("Bearer error=\"insufficient_user_authentication\"{max_age}")
}

fn assert_insufficient(answer: &Answer, max_age: Option<u64>, case: &str) {
    let expected = (401, json!({ "msg": TEXT }));
    assert_eq!((answer.status, answer.json()), expected, "{case}");
    let sent = answer.headers.get("WWW-Authenticate");
    assert_eq!(sent, Some(challenge(max_age)), "{case}");
    assert_eq!(answer.headers.get("X-Auth-User-Id"), None, "{case}");
}

/// The account's own access token, but for these claims; one that is null is absent.
fn with(account: &Account, amr: Value, auth_time: Value) -> String {
    let mut claims = claims(&account.access_token);
    claims["amr"] = amr;
    claims["auth_time"] = auth_time;
    signed(&claims)
}

fn two_factors() -> Value {
    json!(["pwd", "otp", "mfa"])
}

/// A server for each value of `TRUST_TOKEN_ALONE`, with these tables in `PROTECTED`.
async fn start(protected: Value) -> Vec<Server> {
    let protected = protected.to_string();
    let settings = ["false", "true"].map(|trust| {
        let trust = ("TRUST_TOKEN_ALONE", Some(trust));
        vec![QUICK[0], QUICK[1], ("PROTECTED", Some(&*protected)), trust]
    });
    Server::start_sharing_database(&settings).await
}

#[wasm_bindgen_test]
async fn verify_asks_for_two_factors() {
    let servers = start(json!([])).await;
    let account = Account::register(&servers[0]).await;
    for server in &servers {
        let verify = async |query: &str, amr: Value| {
            let token = with(&account, amr, json!(now()));
            send(server, "GET", &format!("/verify{query}"), &token).await
        };
        for amr in [
            two_factors(),
            json!(["mfa"]),
            json!(["face", "mfa"]),
            json!([1, "mfa"]),
        ] {
            for query in ["?amr=mfa", "?role=customer&amr=mfa&max_age=60&amr=mfa"] {
                let answer = verify(query, amr.clone()).await;
                assert_eq!(seen(&answer), (200, "{}\n"), "{query} {amr}");
            }
        }
        for amr in [
            json!(null),
            json!([]),
            json!(["pwd", "otp"]),
            json!("mfa"),
            json!({ "mfa": true }),
            json!(["MFA"]),
            json!(["pwd mfa"]),
            json!([["mfa"]]),
        ] {
            assert_eq!(verify("", amr.clone()).await.status, 200, "{amr}");
            let case = amr.to_string();
            assert_insufficient(&verify("?amr=mfa", amr).await, None, &case);
        }
        // No token has what nobody can be asked for.
        for query in [
            "?amr",
            "?amr=",
            "?amr=otp",
            "?amr=mfa&amr=otp",
            "?amr=%6dfa",
        ] {
            assert_insufficient(&verify(query, two_factors()).await, None, query);
        }
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn verify_asks_for_a_recent_proof() {
    let servers = start(json!([])).await;
    let account = Account::register(&servers[0]).await;
    for server in &servers {
        let verify = async |query: &str, auth_time: Value| {
            let token = with(&account, two_factors(), auth_time);
            send(server, "GET", &format!("/verify{query}"), &token).await
        };
        let ago = |seconds| json!(now() - seconds);
        for (query, auth_time) in [
            ("?max_age=600", ago(0)),
            ("?max_age=600", ago(580)),
            ("?max_age=3600&max_age=600", ago(580)),
            ("?max_age=600&amr=mfa", ago(580)),
            ("?max_age=18446744073709551615", json!(1)),
            // Ahead by no more than clocks differ.
            ("?max_age=1", json!(now() + 8)),
        ] {
            let case = format!("{query} {auth_time}");
            let answer = verify(query, auth_time).await;
            assert_eq!(seen(&answer), (200, "{}\n"), "{case}");
        }
        for (query, auth_time, named) in [
            ("?max_age=600", ago(601), 600),
            ("?max_age=600&max_age=3600", ago(601), 600),
            ("?max_age=3600&max_age=600&amr=mfa", ago(601), 600),
            ("?max_age=600", json!(null), 600),
            ("?max_age=600", json!(now().to_string()), 600),
            ("?max_age=600", json!(now() as f64 - 0.5), 600),
            ("?max_age=600", json!(now() + 30), 600),
            ("?max_age=600", json!(-1), 600),
        ] {
            let case = format!("{query} {auth_time}");
            let answer = verify(query, auth_time).await;
            assert_insufficient(&answer, Some(named), &case);
        }
        for query in [
            "?max_age",
            "?max_age=",
            "?max_age=0",
            "?max_age=-1",
            "?max_age=%2B600",
            "?max_age=600s",
            "?max_age=600&max_age=x",
            "?max_age=18446744073709551616",
        ] {
            assert_insufficient(&verify(query, ago(0)).await, None, query);
        }
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn what_a_new_sign_in_does_not_change_is_said_first() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let query = "/verify?amr=mfa&max_age=600&role=admin";
    let answer = server.request("GET", query).send().await;
    assert_eq!(answer.status, 401);
    let sent = answer.headers.get("WWW-Authenticate");
    assert_eq!(sent.as_deref(), Some("Bearer"));
    let answer = send(&server, "GET", query, &account.access_token).await;
    assert_eq!(seen(&answer), FORBIDDEN);
    make_admin(&server, &account).await;
    let answer = send(&server, "GET", query, &account.access_token).await;
    assert_insufficient(&answer, Some(600), "an admin");
}

#[wasm_bindgen_test]
async fn a_refresh_makes_no_proof_better() {
    let server = Server::shared_quick().await;
    let account = Account::register(&server).await;
    let mut tokens = open(&server, &account).await;
    let path = "/verify?amr=mfa&max_age=600";
    for (amr, age, passes) in [
        ("pwd", 0, false),
        ("pwd otp mfa", 601, false),
        ("pwd otp mfa", 0, true),
    ] {
        let statement = "UPDATE sessions SET amr = ?, auth_time = ? WHERE user_id = ?";
        let auth_time = now() - age;
        let values = [amr.into(), auth_time.into(), account.id.into()];
        server.sql(statement, &values).await;
        tokens = refreshed(&server, &tokens.refresh).await;
        let answer = send(&server, "GET", path, &tokens.access).await;
        if passes {
            assert_eq!(seen(&answer), (200, "{}\n"));
        } else {
            assert_insufficient(&answer, Some(600), amr);
        }
    }
}

#[wasm_bindgen_test]
async fn prefixes_ask_for_two_factors_and_a_recent_proof() {
    let entry = |prefix: &str, members: Value| {
        let mut entry = json!({ "prefix": prefix, "upstream": "UPSTREAM", "dialect": "JWT" });
        let all = entry.as_object_mut().unwrap();
        all.extend(members.as_object().unwrap().clone());
        entry
    };
    let servers = start(json!([
        entry("/up/", json!({})),
        entry(
            "/up/mfa/",
            json!({ "amr": "mfa", "public_methods": ["GET"] })
        ),
        entry("/up/recent/", json!({ "max_age": 600 })),
        entry(
            "/up/both/",
            json!({ "amr": "mfa", "max_age": 60, "role": "customer" })
        ),
        entry("/up/admin/", json!({ "amr": "mfa", "role": "admin" })),
    ]))
    .await;
    let account = Account::register(&servers[0]).await;
    let id = account.id.to_string();
    for server in &servers {
        let post = async |path: &str, scheme: &str, token: &str| {
            let request = server.request("POST", path);
            let authorization = format!("{scheme} {token}");
            request.header("Authorization", &authorization).send().await
        };
        let now = now();
        let strong = with(&account, two_factors(), json!(now));
        let weak = with(&account, json!(null), json!(now));
        let stale = with(&account, two_factors(), json!(now - 601));
        let old = with(&account, json!(null), json!(null));
        let before = reached(server).await;
        let passing = [
            ("/up/x", &old),
            ("/up/mfa/x", &strong),
            ("/up/mfa/x", &stale),
            ("/up/recent/x", &weak),
            ("/up/both/x", &strong),
        ];
        for (path, token) in passing {
            for scheme in ["JWT", "Bearer"] {
                let received = received(&post(path, scheme, token).await);
                let user = header(&received, "x-auth-user-id");
                assert_eq!(user, Some(id.as_str()), "{path}");
            }
        }
        assert_eq!(reached(server).await, before + 2 * passing.len());
        for (path, token, named) in [
            ("/up/mfa/x", &weak, None),
            ("/up/mfa/x", &old, None),
            // What a client asks for changes nothing.
            ("/up/mfa/x?amr=pwd&max_age=9", &weak, None),
            ("/up/recent/x", &stale, Some(600)),
            ("/up/recent/x", &old, Some(600)),
            ("/up/both/x", &weak, Some(60)),
            ("/up/both/x", &stale, Some(60)),
        ] {
            assert_insufficient(&post(path, "Bearer", token).await, named, path);
            let answer = post(path, "JWT", token).await;
            let body = json!({
                "description": TEXT, "error": "Invalid token", "status_code": 401,
            });
            assert_eq!((answer.status, answer.json()), (401, body), "{path}");
            let sent = answer.headers.get("WWW-Authenticate");
            assert_eq!(sent, Some(challenge(named)), "{path}");
        }
        for token in [&weak, &strong] {
            assert_eq!(seen(&post("/up/admin/x", "JWT", token).await), FORBIDDEN);
        }
        // A public method asks for nothing.
        let answer = send(server, "GET", "/up/mfa/x", &weak).await;
        assert_eq!(header(&received(&answer), "x-auth-user-id"), None);
        let passed = 2 * passing.len() + 1;
        assert_eq!(reached(server).await, before + passed);

        for (token, status) in [(&strong, 101), (&stale, 401)] {
            let bearer = format!("Bearer {token}");
            let headers = [("Authorization", bearer.as_str())];
            let close = Close::With(1000, "");
            let path = "/up/recent/socket";
            let outcome = server.web_socket(path, &headers, &[], close).await;
            assert_eq!(outcome["status"], status);
        }
        assert_eq!(reached(server).await, before + passed + 1);
    }
    servers[0].clone().stop().await;
}
