//! The Worker runs, and the means to test it do what they say.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::harness::{self, Server};

#[wasm_bindgen_test]
async fn webcrypto_refuses_what_cloudflare_refuses() {
    let server = Server::start_script(
        "export default {
            async fetch(request) {
                const { iterations } = await request.json();
                const salt = new Uint8Array(16);
                const key = await crypto.subtle.importKey('raw', salt, 'PBKDF2', false, ['deriveBits']);
                const algorithm = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations };
                return crypto.subtle.deriveBits(algorithm, key, 256).then(
                    (bits) => new Response(bits),
                    (error) => new Response(error.name, { status: 500 }),
                );
            },
        };",
        &[],
    )
    .await;

    let allowed = server
        .request("POST", "/")
        .json(json!({ "iterations": 100_000 }))
        .send()
        .await;
    let refused = server
        .request("POST", "/")
        .json(json!({ "iterations": 100_001 }))
        .send()
        .await;

    assert_eq!(
        allowed.body,
        harness::pbkdf2("sha256", &[0; 16], &[0; 16], 100_000, 32)
    );
    assert_eq!((refused.status, refused.text()), (500, "NotSupportedError"));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn requests_arrive_as_they_are_written() {
    let server = Server::start_script(
        "export default {
            async fetch(request) {
                const { method, url, headers } = request;
                return Response.json({ method, url, headers: [...headers], body: await request.text() });
            },
        };",
        &[],
    )
    .await;

    let request = server
        .request("PROPFIND", "//a/%2e%2e/b?c=%00")
        .header("Host", "example.com");
    let request = request
        .header("X-Twice", "1")
        .header("X-Twice", "2")
        .chunks(&[b"in ", b"chunks"]);
    let seen = request.send().await.json();
    assert_eq!(seen["method"], "PROPFIND");
    assert_eq!(seen["url"], "http://example.com//a/%2e%2e/b?c=%00");
    assert_eq!(seen["body"], "in chunks");
    let headers = seen["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-twice", "1, 2"])), "{headers:?}");
    assert!(
        !headers.iter().any(|header| header[0] == "content-length"),
        "{headers:?}"
    );

    let seen = server
        .request("DELETE", "/")
        .body([0x80])
        .send()
        .await
        .json();
    assert_eq!(seen["body"], "\u{fffd}");
    assert!(
        seen["headers"]
            .as_array()
            .unwrap()
            .contains(&json!(["content-length", "1"])),
        "{seen}"
    );

    let malformed = server.raw(b"GET / HTTP/1.1\r\nno colon\r\n\r\n").await;
    assert!(malformed.starts_with(b"HTTP/1.1 400 "), "{malformed:?}");
    server.stop().await;
}

#[wasm_bindgen_test]
async fn bindings_are_those_of_wrangler_toml_but_for_overrides() {
    const NAMES: &str = "export default { fetch: (_, env) => Response.json(env) };";
    let bindings = async |overrides: &[(&str, Option<&str>)]| {
        let server = Server::start_script(NAMES, overrides).await;
        let bindings = server.request("GET", "/").send().await.json();
        server.stop().await;
        bindings
    };

    let plain = bindings(&[]).await;
    assert!(plain["DB"].is_object(), "{plain}");
    assert_eq!(plain["JWT_SECRET"], harness::SECRET);

    let other = bindings(&[("DB", None), ("JWT_SECRET", None), ("OTHER", Some("1"))]).await;
    assert_eq!(
        (other.get("DB"), other.get("JWT_SECRET"), other.get("OTHER")),
        (None, None, Some(&json!("1")))
    );
}

#[wasm_bindgen_test]
async fn database_and_console_can_be_looked_into() {
    let server = Server::start_script(
        "export default {
            async fetch(request, env) {
                console.error('asked');
                await env.DB.exec('CREATE TABLE asked (at INTEGER)');
                await env.DB.prepare('INSERT INTO asked VALUES (?)').bind(1).run();
                return new Response();
            },
        };",
        &[],
    )
    .await;
    let before = harness::measures_cpu().then(|| server.cpu_ms());
    server.request("GET", "/").send().await;

    assert_eq!(server.logs().await, ["asked"]);
    assert_eq!(
        server
            .sql("SELECT at FROM asked WHERE at = ?", &[json!(1)])
            .await,
        [json!({ "at": 1 })]
    );
    assert!(before.is_none_or(|before| server.cpu_ms() >= before && before > 0.0));
    server.stop().await;
}

#[wasm_bindgen_test]
async fn foreign_tokens_verify_themselves() {
    let (key, other_key) = ("k".repeat(32), "l".repeat(32));
    let token = harness::jose_sign(json!({ "alg": "HS256" }), json!({ "sub": "1" }), &key).await;

    assert_eq!(
        harness::jose_verify(&token, &key).await,
        Ok(json!({ "sub": "1" }))
    );
    assert!(harness::jose_verify(&token, &other_key).await.is_err());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mac = harness::hmac("sha256", key.as_bytes(), signed.as_bytes());
    assert_eq!(harness::base64url(&mac), signature);
}
