//! What is no passkey is refused in one way, and nothing is written.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    INVALID, PASSKEYS, add, authenticator, counts, creation_options, path, send, settings, written,
};
use crate::harness::{Account, Server, seen};

#[wasm_bindgen_test]
async fn nothing_wrong_is_stored() {
    let server = Server::start(&settings()).await;
    let ann = Account::register(&server).await;
    let good = creation_options(&server, &ann).await;
    let mut all = Vec::new();
    for (name, value) in [
        ("origin", json!("https://auth.example.com.evil.example")),
        ("origin", json!("http://auth.example.com")),
        ("type", json!("webauthn.get")),
        ("crossOrigin", json!(true)),
        ("topOrigin", json!("https://evil.example")),
        ("challenge", json!("AAAA")),
    ] {
        let mut authenticator = authenticator();
        authenticator.client_data.insert(name.to_owned(), value);
        all.push((name.to_owned(), authenticator.create(&good)));
    }
    for flags in [0x00, 0x04, 0x11] {
        let mut authenticator = authenticator();
        authenticator.flags = flags;
        all.push((format!("flags {flags}"), authenticator.create(&good)));
    }
    let mut other_site = authenticator();
    other_site.rp_id = "example.com".to_owned();
    all.push(("relying party".to_owned(), other_site.create(&good)));
    let mut other_key = authenticator();
    other_key.cose = Some(vec![0xa0]);
    all.push(("key".to_owned(), other_key.create(&good)));
    let mut long_id = authenticator();
    long_id.credential_id = vec![7; 1024];
    all.push(("id".to_owned(), long_id.create(&good)));
    let made = authenticator().create(&good);
    for member in ["id", "rawId", "type", "response"] {
        let mut cut = made.clone();
        cut.as_object_mut().unwrap().remove(member);
        all.push((member.to_owned(), cut));
    }
    for value in [json!([]), json!("credential"), json!(1), json!({})] {
        all.push((value.to_string(), value));
    }
    for (what, credential) in all {
        let body = json!({ "credential": credential });
        let answer = send(&server, &ann, "POST", PASSKEYS, body).await;
        assert_eq!(seen(&answer), INVALID, "{what}");
    }
    for (member, value, text) in [
        (
            "credential",
            json!(null),
            "Missing required fields: credential",
        ),
        ("name", json!(7), "name must be a string"),
        ("name", json!(" "), "name must be 1 to 200 characters long"),
        (
            "second_factor",
            json!("true"),
            "second_factor must be true or false",
        ),
        (
            "second_factor",
            json!(1),
            "second_factor must be true or false",
        ),
    ] {
        let mut body = json!({ "credential": made });
        body[member] = value;
        let answer = send(&server, &ann, "POST", PASSKEYS, body).await;
        assert_eq!(answer.json(), json!({ "error": text }), "{member}");
        assert_eq!(answer.status, 400);
    }
    assert_eq!(written(&server).await, counts(0, 0));
    // None of it has spent the challenge.
    let body = json!({ "credential": made });
    assert_eq!(
        send(&server, &ann, "POST", PASSKEYS, body).await.status,
        201
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn changes_have_their_rules() {
    let server = Server::start(&settings()).await;
    let ann = Account::register(&server).await;
    let (_, passkey) = add(&server, &ann, json!({})).await;
    for (body, text) in [
        (
            json!({ "name": "" }),
            "name must be 1 to 200 characters long",
        ),
        (
            json!({ "name": "a".repeat(201) }),
            "name must be 1 to 200 characters long",
        ),
        (json!({ "name": [] }), "name must be a string"),
        (
            json!({ "second_factor": 0 }),
            "second_factor must be true or false",
        ),
    ] {
        let answer = send(&server, &ann, "PATCH", &path(&passkey), body).await;
        assert_eq!(
            (answer.status, answer.json()),
            (400, json!({ "error": text }))
        );
    }
    for id in ["x", "..", "%20", &"a".repeat(5000)] {
        let path = format!("{PASSKEYS}/{id}");
        for method in ["PATCH", "DELETE"] {
            let answer = send(&server, &ann, method, &path, json!({ "name": "x" })).await;
            assert_eq!(answer.status, 404, "{method} {id}");
        }
    }
    let answer = server.request("GET", PASSKEYS).send().await;
    assert_eq!(answer.status, 401);
    let answer = send(&server, &ann, "PUT", PASSKEYS, Value::Null).await;
    assert_eq!(answer.status, 405);
    server.stop().await;
}
