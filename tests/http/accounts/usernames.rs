//! Usernames are compared in one form, in which they keep the rules.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::register;
use crate::harness::{Account, PASSWORD, Server, seen, unique};

#[wasm_bindgen_test]
async fn usernames_are_compared_in_one_width_and_case() {
    let server = Server::shared().await;
    let register_as = async |username: &str| {
        let email = format!("{}@example.com", unique("width"));
        let body =
            json!({ "email": email, "username": username, "name": "Ann", "password": PASSWORD });
        register(&server, body).await
    };
    let taken = (409, "{\"error\":\"Username already taken\"}\n");
    for (written, others) in [
        (
            "Ａｎｎｗｉｄｅ",
            &["annwide", "ANNWIDE", "ａｎｎwide", "𝐀𝐧𝐧𝐰𝐢𝐝𝐞"][..],
        ),
        (
            "ﬁnn.strauß",
            &["finn.strauss", "FINN.STRAUẞ", "ＦＩＮＮ.ＳＴＲＡＵＳＳ"],
        ),
        ("ｶﾞｶﾞｶﾞ", &["ガガガ", "カ\u{3099}ガガ"]),
    ] {
        let registered = register_as(written).await;
        assert_eq!(registered.status, 201, "{written}: {}", registered.text());
        // As its owner wrote it.
        assert_eq!(registered.json()["user"]["username"], written);
        for other in others {
            assert_eq!(
                seen(&register_as(other).await),
                taken,
                "{other} after {written}"
            );
            let body = json!({ "username": other, "password": PASSWORD });
            let signed_in = server.request("POST", "/auth").json(body).send().await;
            assert_eq!(signed_in.status, 200, "{other} for {written}");
        }
    }
}

#[wasm_bindgen_test]
async fn usernames_keep_the_rules_in_the_form_in_which_they_are_compared() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let white_space = "username must not contain white space, control or format characters";
    let length = "username must be 3 to 64 characters long";
    for (username, error) in [
        ("ann＠example.com", "username must not contain @"),
        ("ann﹫example.com", "username must not contain @"),
        ("ann\u{a0}lee", white_space),
        ("ann\u{3000}lee", white_space),
        // A space and a combining mark.
        ("ann¨lee", white_space),
        // 66 characters.
        ("㌖㌖㌖㌖㌖㌖㌖㌖㌖㌖㌖", length),
        ("ｶﾞｶ", length),
    ] {
        let email = format!("{}@example.com", unique("rules"));
        let body =
            json!({ "email": email, "username": username, "name": "Ann", "password": PASSWORD });
        let expected = format!("{}\n", json!({ "error": error }));
        let answer = register(&server, body).await;
        assert_eq!(seen(&answer), (400, expected.as_str()), "{username}");
        let change = server.request("PATCH", "/api/auth/me");
        let change = change.header("Authorization", &account.bearer());
        let answer = change.json(json!({ "username": username })).send().await;
        assert_eq!(seen(&answer), (400, expected.as_str()), "{username}");
        // Nobody's name: a username is never taken for an address.
        let body = json!({ "username": username, "password": PASSWORD });
        let signed_in = server.request("POST", "/auth").json(body).send().await;
        assert_eq!(signed_in.status, 401, "{username}");
    }
}
