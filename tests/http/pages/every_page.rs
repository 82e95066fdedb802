//! What holds for every page, said of one that is always there: the one that says that there is none.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{assert_not_readable, assert_page, header};
use crate::harness::Server;

const PATH: &str = "/account/nowhere";

#[wasm_bindgen_test]
async fn what_is_not_there_is_a_page() {
    let server = Server::shared().await;
    for method in ["GET", "POST", "PUT", "OPTIONS", "PROPFIND"] {
        let answer = server.request(method, PATH).send().await;
        assert_page(&answer, 404);
        assert!(answer.text().contains("There is no such page"), "{method}");
    }
    let answer = server.request("HEAD", PATH).send().await;
    assert_page(&answer, 404);
    assert_eq!(answer.text(), "");
}

#[wasm_bindgen_test]
async fn a_page_is_in_the_language_of_its_reader() {
    let server = Server::shared().await;
    for (languages, lang, title) in [
        ("de-AT, en;q=0.5", "de", "Diese Seite gibt es nicht"),
        ("fr, en;q=0.5", "en", "There is no such page"),
        ("fr", "en", "There is no such page"),
    ] {
        let request = server.request("GET", PATH);
        let answer = request.header("Accept-Language", languages).send().await;
        assert_page(&answer, 404);
        let text = answer.text();
        assert!(text.contains(&format!("<html lang=\"{lang}\">")), "{text}");
        assert!(text.contains(title), "{text}");
    }
}

#[wasm_bindgen_test]
async fn no_other_page_may_read_one() {
    const APP: &str = "https://app.example.com";
    let settings = ["*", APP].map(|origins| vec![("ALLOWED_ORIGINS", Some(origins))]);
    let servers = Server::start_sharing_database(&settings).await;
    for server in &servers {
        for method in ["GET", "HEAD", "POST"] {
            let request = server.request(method, PATH).header("Origin", APP);
            assert_page(&request.send().await, 404);
        }
        let preflight = server.request("OPTIONS", PATH).header("Origin", APP);
        let preflight = preflight.header("Access-Control-Request-Method", "POST");
        assert_page(&preflight.send().await, 404);
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn what_goes_wrong_is_a_page() {
    let settings = [
        ("JWT_SECRET", None),
        // Read by other pages where it is JSON.
        ("ALLOWED_ORIGINS", Some("*")),
    ];
    let server = Server::start(&settings).await;
    let request = server.request("GET", PATH).header("Accept-Language", "de");
    let answer = request.send().await;
    assert_page(&answer, 500);
    let id = header(&answer, "X-Request-Id");
    assert!(answer.text().contains(&id), "{}", answer.text());
    assert!(answer.text().contains("Etwas ist schiefgegangen"));
    let logs = server.logs().await.join("\n");
    assert!(logs.contains(&id), "{logs}");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn so_is_the_answer_for_a_dead_instance() {
    let server = Server::start_example("trap", &[("ALLOWED_ORIGINS", Some("*"))]).await;
    let answer = server.request("GET", "/account/at-once").send().await;
    assert_eq!(answer.status, 500);
    for (name, value) in [
        ("Cache-Control", "no-store"),
        ("Content-Type", "text/html; charset=utf-8"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ] {
        assert_eq!(header(&answer, name), value, "{name}");
    }
    let policy = header(&answer, "Content-Security-Policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_not_readable(&answer);
    assert!(answer.text().contains("Something went wrong"));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_log_has_no_path() {
    let server = Server::start(&[]).await;
    let path = "/account/ann@example.com?token=secret";
    server.request("GET", path).send().await;
    let lines = server.logs().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["route"], json!("/account/*"));
    assert!(!lines[0].contains("secret"), "{lines:?}");
    server.stop().await;
}
