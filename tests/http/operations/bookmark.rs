//! Reads follow writes through the bookmark of a session of the database.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::admin::get;
use crate::harness::{self, Account, PASSWORD, QUICK, Server, unique};

#[wasm_bindgen_test]
async fn reads_follow_writes_through_a_bookmark() {
    let plain = Server::start(&QUICK).await;
    let ann = Account::register(&plain).await;
    let answer = get(&plain, &ann, "/api/auth/me").await;
    assert_eq!(answer.headers.get("X-D1-Bookmark"), None);
    plain.stop().await;

    let settings = [QUICK[0], QUICK[1], ("READ_REPLICATION", Some("true"))];
    let server = Server::start_with_seen_sessions(&settings).await;
    let ann = Account::register(&server).await;
    let seen_session = async |request: harness::RequestBuilder<'_>| {
        let before = server.logs().await.len();
        let answer = request.send().await;
        let lines = server.logs().await.split_off(before);
        let session = lines.iter().find_map(|line| line.strip_prefix("session: "));
        (answer, session.map(str::to_owned))
    };
    let email = format!("{}@example.com", unique("replica"));
    let body = json!({ "email": email, "password": PASSWORD, "name": "Ann" });
    let register = server.request("POST", "/api/auth/register").json(body);
    let (answer, session) = seen_session(register).await;
    assert_eq!(
        (answer.status, session.as_deref()),
        (201, Some("first-primary"))
    );
    let bookmark = answer.headers.get("X-D1-Bookmark").expect("a bookmark");
    let me = || {
        let request = server.request("GET", "/api/auth/me");
        request.header("Authorization", &ann.bearer())
    };
    for (sent, expected) in [
        (None, "first-unconstrained"),
        (Some(bookmark.as_str()), bookmark.as_str()),
        (Some("first-primary"), "first-unconstrained"),
        (Some("'; DROP"), "first-unconstrained"),
        (Some(""), "first-unconstrained"),
    ] {
        let request = match sent {
            Some(text) => me().header("X-D1-Bookmark", text),
            None => me(),
        };
        let (answer, session) = seen_session(request).await;
        assert_eq!((answer.status, session.as_deref()), (200, Some(expected)));
        assert!(answer.headers.get("X-D1-Bookmark").is_some());
    }
    server.stop().await;
}
