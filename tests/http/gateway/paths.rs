//! Paths that servers read in different ways go nowhere.

use wasm_bindgen_test::wasm_bindgen_test;

use super::{FORBIDDEN, NOT_FOUND, header, make_admin, reached, received, request, start};
use crate::harness::{Account, seen};

#[wasm_bindgen_test]
async fn a_path_that_can_be_read_in_two_ways_goes_nowhere() {
    let server = start().await;
    let account = Account::register(&server).await;
    make_admin(&server, &account).await;
    for prefix in ["/up", "/origin", "/public"] {
        for rest in [
            "/..%2fadmin",
            "/%2e%2e/admin",
            "/../admin",
            "/./x",
            "/x/..",
            "/.%2e/admin",
            "/%252e%252e/admin",
            "//x",
            "/x//y",
            "/a%2Fb",
            "/a%5Cb",
            "/a\\b",
            "/..\\admin",
            "/..;/admin",
            "/..%3b/admin",
            "/;/admin",
            "/x%00",
            "/%00",
            "/x%0d%0aX-A:1",
            "/%",
            "/%2",
            "/%zz",
            "/%c0%ae%c0%ae/admin",
            "/%u002e/admin",
            "/...",
            "/x.",
            "/x./y",
            "/x%2e/y",
            "/x%20",
            "/x%20/y",
            "/%20x",
            "/x%C2%A0/y",
            "/%E3%80%80x",
            "/x%E2%80%A8",
            "/%E2%80%8B/x",
            "/.%E2%80%8B./admin",
            "/%EF%BC%8E%EF%BC%8E/admin",
            "/x%EF%BC%8Fadmin",
            "/%E2%80%A5/admin",
            "/x%EF%BC%852fadmin",
            "/+/admin",
            "/..+/admin",
            "/\u{c3}\u{bc}",
        ] {
            let path = format!("{prefix}{rest}");
            for authorized in [true, false] {
                let request = if authorized {
                    request(&server, &account, "GET", &path)
                } else {
                    server.request("GET", &path)
                };
                assert_eq!(seen(&request.send().await), NOT_FOUND, "{path}");
            }
        }
    }
    // Not the prefix, and no other route.
    for path in [
        "/up",
        "/Up/x",
        "/UP/x",
        "//up/x",
        "/x/../up/x",
        "/./up/x",
        "/x/%2e%2e/up/x",
        "/%75p/x",
        "/up%2fx",
        "/up\\x",
        "/up;/x",
    ] {
        let answer = request(&server, &account, "GET", path).send().await;
        assert_eq!(seen(&answer), NOT_FOUND, "{path}");
    }
    // A host that passes for a path.
    for host in ["x/up/x?", "x/up/x#", "x\\up\\", "a@b"] {
        let request = request(&server, &account, "GET", "/up/x").header("Host", host);
        assert_ne!(request.send().await.status, 200, "{host}");
    }
    assert_eq!(reached(&server).await, 0);

    let target = |target: &str| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: a.example\r\nAuthorization: {}\r\nConnection: close\r\n\r\n",
            account.bearer()
        )
    };
    for (sent, url) in [
        ("/up/x#/../../admin", "http://a.example/up/x"),
        ("/up/x?a#b", "http://a.example/up/x?a"),
        ("http://b.example/up/x", "http://a.example/up/x"),
    ] {
        let answer = server.raw(target(sent).as_bytes()).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains(&format!("\"url\":\"{url}\"")), "{answer}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_longer_prefix_cannot_be_got_round() {
    let server = start().await;
    let customer = Account::register(&server).await;
    let admin = Account::register(&server).await;
    make_admin(&server, &admin).await;
    let get =
        async |account: &Account, path: &str| request(&server, account, "GET", path).send().await;
    for path in ["/up/admin/", "/up/admin/x", "/up/secret/x"] {
        assert_eq!(seen(&get(&customer, path).await), FORBIDDEN, "{path}");
        let received = received(&get(&admin, path).await);
        assert_eq!(header(&received, "x-auth-role"), Some("admin"));
    }
    for path in [
        "/up/admin",
        "/up/Admin/x",
        "/up/%61dmin/x",
        "/up/%2561dmin/x",
        "/up/admin;a=b/x",
        "/up/admin%3b/x",
        "/up/admin%2fx",
        "/up/x/../admin/x",
        "/up//admin/x",
        "/up/secret./x",
        "/up/secret%20/x",
        "/up/secret%2e/x",
        "/up/secret+/x",
        "/up/secret%C2%A0/x",
        "/up/%C5%BFecret/x",
        "/up/%C5%BFECRET",
        "/up/%25C5%25BFecret/x",
        "/up/%EF%BD%93%EF%BD%85cret/x",
        "/up/%EF%BC%B3ecret/x",
        "/up/%F0%9D%93%BCecret/x",
        "/up/%E2%93%A2ecret/x",
        "/up/%EF%BC%8573ecret/x",
        "/up/se%C2%ADcret/x",
        "/up/se%E2%80%8Bcret/x",
        "/up/%EF%BB%BFsecret/x",
        "/up/secret%EF%B8%8F/x",
        "/up/secr%C3%A9t/x",
        "/up/secre%CC%81t/x",
        "/up/adm%C4%B0n/x",
        "/up/adm%C4%B1n/x",
        "/up/secret.json",
        "/up/Secret%2ejson",
        "/up/secret::$DATA/x",
    ] {
        for account in [&customer, &admin] {
            assert_eq!(seen(&get(account, path).await), NOT_FOUND, "{path}");
        }
    }
    for path in [
        "/up/administrators",
        "/up/x/admin/",
        "/up/secrets.json",
        "/up/a.b/c.json",
        "/up/a%20b",
        "/up/c++",
        "/up/%D0%94%D1%8E%D0%BD%D0%B0",
        "/up/%D9%85%DB%8C%E2%80%8C%D8%B4%D9%88%D8%AF",
        "/up/%E2%9D%A4%EF%B8%8F",
        "/up/caf%C3%A9/x",
    ] {
        let received = received(&get(&customer, path).await);
        assert!(received["url"].as_str().unwrap().ends_with(path), "{path}");
    }
    server.stop().await;
}
