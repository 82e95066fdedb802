//! Which settings and which paths are taken.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use edge_auth_core::time::Seconds;

use super::*;

fn entry(prefix: &str) -> Value {
    json!({ "prefix": prefix, "upstream": "BOOKS", "dialect": "JWT" })
}

fn with(member: &str, value: Value) -> Value {
    let mut entry = entry("/book/");
    entry[member] = value;
    json!([entry])
}

fn problem(setting: &Value) -> String {
    Prefixes::parse(&setting.to_string()).unwrap_err()
}

#[test]
fn entries_are_taken() {
    let setting = json!([
        { "prefix": "/book/", "upstream": "BOOKS", "dialect": "JWT" },
        {
            "prefix": "/a-b/.c_~/", "upstream": "https://a-1.example.com:8443",
            "dialect": "Bearer", "role": "admin", "public_methods": ["GET", "M-SEARCH"],
            "pass_authorization": true, "amr": "mfa", "max_age": 600,
        },
    ]);
    let Prefixes(prefixes) = Prefixes::parse(&setting.to_string()).unwrap();
    let expected = [
        Prefix {
            prefix: "/a-b/.c_~/".to_owned(),
            upstream: Upstream::Origin("https://a-1.example.com:8443".to_owned()),
            dialect: Dialect::JwtExtended,
            role: Some(Role::ADMIN),
            requirement: Requirement::default()
                .and_amr("mfa")
                .and_then(|required| required.and_max_age(Seconds(600)))
                .unwrap(),
            public_methods: vec!["GET".to_owned(), "M-SEARCH".to_owned()],
            pass_authorization: true,
        },
        Prefix {
            prefix: "/book/".to_owned(),
            upstream: Upstream::Binding("BOOKS".to_owned()),
            dialect: Dialect::FlaskJwt,
            role: None,
            requirement: Requirement::default(),
            public_methods: Vec::new(),
            pass_authorization: false,
        },
    ];
    assert_eq!(prefixes, expected);
    assert!(Prefixes::parse("[]").unwrap().0.is_empty());
}

#[test]
fn wrong_entries_are_named() {
    for setting in ["", "x", "{}", "null", "[", "[] []", r#"[{"a":1,"a":1}]"#] {
        let problem = Prefixes::parse(setting).unwrap_err();
        assert_eq!(problem, "must be an array of tables", "{setting}");
    }
    assert_eq!(
        problem(&json!([entry("/a/"), 1])),
        "entry 2: must be a table"
    );
    assert_eq!(problem(&json!([{}])), "entry 1: prefix is missing");
    let twice = json!([entry("/a/"), entry("/A/")]);
    assert_eq!(problem(&twice), "entry 2: prefix is listed before");
    for (member, value, expected) in [
        ("prefix", json!(1), "prefix must be a text"),
        ("upstream", json!(null), "upstream must be a text"),
        ("dialect", json!("jwt"), "dialect must be JWT or Bearer"),
        ("role", json!(["admin"]), "role must be a text"),
        ("role", json!("Admin"), "role is not the name of a role"),
        ("roles", json!("admin"), "roles is unknown"),
        ("amr", json!(["mfa"]), "amr must be a text"),
        ("amr", json!("otp"), "amr must be mfa"),
        ("amr", json!(""), "amr must be mfa"),
        (
            "pass_authorization",
            json!("true"),
            "pass_authorization must be true or false",
        ),
    ] {
        let problem = problem(&with(member, value));
        assert_eq!(problem, format!("entry 1: {expected}"));
    }
    for max_age in [
        json!(0),
        json!(-1),
        json!(600.5),
        json!(1e30),
        json!("600"),
        json!(true),
        json!(null),
    ] {
        let problem = problem(&with("max_age", max_age));
        let expected = "entry 1: max_age must be a positive whole number of seconds";
        assert_eq!(problem, expected);
    }
    for methods in [
        json!("GET"),
        json!([1]),
        json!(["get"]),
        json!([""]),
        json!(["A B"]),
    ] {
        let problem = problem(&with("public_methods", methods));
        assert!(
            problem.starts_with("entry 1: public_methods must be a list"),
            "{problem}"
        );
    }
}

#[test]
fn prefixes_are_plain_and_cover_no_own_route() {
    for prefix in ["", "/", "book/", "/book"] {
        let problem = problem(&with("prefix", json!(prefix)));
        assert!(problem.contains("does not start and end"), "{prefix}");
    }
    for prefix in [
        "//", "/a//b/", "/a/./", "/../a/", "/a b/", "/%61/", "/a;b/", "/ä/", "/a:b/", "/a*/",
        "/a./", "/.../", "/a/b./c/",
    ] {
        let problem = problem(&with("prefix", json!(prefix)));
        assert!(problem.contains("has a segment"), "{prefix}");
    }
    for prefix in [
        "/auth/",
        "/api/",
        "/api/books/",
        "/API/",
        "/verify/",
        "/.well-known/x/",
        "/healthz/",
        "/account/",
        "/Account/books/",
        "/admin/",
        "/sign-in/",
        "/SIGN-UP/",
        "/oauth2/token/",
        "/openapi.json/",
    ] {
        let problem = problem(&with("prefix", json!(prefix)));
        assert!(problem.contains("covers routes"), "{prefix}");
    }
    for prefix in [
        "/apis/",
        "/books/api/",
        "/books/admin/",
        "/authors/",
        "/accounts/",
        "/openapi/",
        "/.a/",
        "/a.b/",
    ] {
        Prefixes::parse(&with("prefix", json!(prefix)).to_string()).unwrap();
    }
}

#[test]
fn upstreams_are_bindings_or_origins() {
    for upstream in [
        "",
        "BOOKS/",
        "A B",
        "http://example.com",
        "https://",
        "https://example.com/",
        "https://example.com/a",
        "https://a@example.com",
        "https://example.com:0",
        "https://example.com:65536",
        "https://example.com:",
        "https://example.com:1:2",
        "https://example.com?a",
        "https://example.com#a",
        "https://EXAMPLE.com",
        "https://ex%61mple.com",
        "HTTPS://example.com",
    ] {
        let problem = problem(&with("upstream", json!(upstream)));
        assert!(problem.contains("upstream must be"), "{upstream}");
    }
}

fn places() -> Prefixes {
    let setting = json!([
        entry("/book/"),
        entry("/book/admin/"),
        entry("/book/Secret/"),
        entry("/book/v1/"),
        entry("/book/v1.2/"),
        entry("/Paper/"),
    ]);
    Prefixes::parse(&setting.to_string()).unwrap()
}

/// As the host folds, but for the characters that it takes for ignorable.
fn fold(text: &str) -> String {
    let bare = |text: &str| {
        let is_ignored = |c: char| {
            is_combining_mark(c) || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
        };
        let characters = text.nfkd().filter(|&c| !is_ignored(c));
        characters.collect::<String>()
    };
    bare(&bare(text).to_lowercase().to_uppercase().to_lowercase())
}

/// For paths of which no character needs it.
fn no_fold(text: &str) -> String {
    panic!("asked to fold {text}")
}

#[test]
fn the_longest_prefix_counts() {
    let places = places();
    let under = |path: &str| match places.place(path, no_fold) {
        Place::Under(prefix) => prefix.prefix.clone(),
        place => format!("{place:?}"),
    };
    for path in [
        "/book/",
        "/book/dune",
        "/book/dune/",
        "/book/a/b",
        "/book/%44une",
        "/book/a;b=c",
        "/book/100%25",
        "/book/a%20b",
        "/book/a..b",
        "/book/.a",
        "/book/...a",
        "/book/a.b/c.d",
        "/book/c++",
        "/book/administrator",
        "/book/admin-x",
        "/book/x/admin.json",
        "/book/admin.json/x",
        "/book/a:b",
        "/book/x/admin/",
        "/book/a:@!$&'()*+,=~|[]",
    ] {
        assert_eq!(under(path), "/book/", "{path}");
    }
    assert_eq!(under("/book/admin/"), "/book/admin/");
    assert_eq!(under("/book/admin/x"), "/book/admin/");
    assert_eq!(under("/Paper/x"), "/Paper/");
    assert_eq!(under("/Paper/.x"), "/Paper/");
    assert_eq!(under("/book/v1/x"), "/book/v1/");
    assert_eq!(under("/book/v1.2/x"), "/book/v1.2/");
    assert_eq!(under("/book/v1.2/"), "/book/v1.2/");
    for path in [
        "",
        "/",
        "/book",
        "/Book/x",
        "/boo%6b/x",
        "//book/x",
        "/paper/x",
        "/book.json",
        "/b%C3%B6ok/x",
    ] {
        assert_eq!(under(path), "Outside", "{path}");
    }
}

#[test]
fn names_in_any_script_are_taken() {
    let places = places();
    for name in [
        "Dünensand",
        "Дюна",
        "砂丘",
        "デューン",
        "می‌شود",
        "ﾃﾞｭｰﾝ",
        "a\u{a0}b",
        "a…b",
        "Ⅳ",
        "admïnistrator",
    ] {
        let path = format!("/book/{}/x", encoded(name));
        let place = places.place(&path, fold);
        assert!(
            matches!(&place, Place::Under(Prefix { prefix, .. }) if prefix == "/book/"),
            "{name}: {place:?}"
        );
    }
}

/// A name that a client sends percent-encoded.
fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn spellings_that_a_server_may_fold_are_refused() {
    let places = places();
    for name in [
        // White space and dots that some servers take off.
        "x.",
        "x..",
        "x ",
        " x",
        "x\u{a0}",
        "\u{3000}x",
        "x\u{2028}",
        "\u{1680}x",
        "...",
        " . ",
        "x;y.",
        "x ;y",
        ".;x",
        "+",
        "..+",
        "x.+",
        "+ x",
        ":x",
        // Characters that become others.
        "．．",
        "‥",
        "…",
        "a／b",
        "a＼b",
        "．",
        "x．",
        "；x",
        "％2e％2e",
        "a％2fb",
        "？",
        "＃",
        // Characters of which nothing is left.
        "\u{200b}",
        "\u{ad}",
        ".\u{200b}.",
        "x.\u{feff}",
        "\u{301}",
        // A longer prefix in other words.
        "admin.",
        "admin ",
        "admin\u{3000}",
        "admin+",
        "+admin",
        "admin:x",
        "admin::$INDEX_ALLOCATION",
        "ａｄｍｉｎ",
        "ＡDMIN",
        "𝐚dmin",
        "ⓐdmin",
        "admın",
        "admİn",
        "ádmin",
        "a\u{301}dmin",
        "ad\u{ad}min",
        "admin\u{200b}",
        "％61dmin",
        "％２561dmin",
        "ſecret",
        "ſECRET",
        "SECRE\u{200d}T",
    ] {
        for path in [
            format!("/book/{}", encoded(name)),
            format!("/book/{}/x", encoded(name)),
            format!("/book/{}/x", encoded(&encoded(name))),
        ] {
            assert_eq!(
                places.place(&path, fold),
                Place::Ambiguous,
                "{name}: {path}"
            );
        }
    }
    for path in [
        "/book/admin.json",
        "/book/Admin.tar.gz/",
        "/book/secret%2ejson",
        "/book/admin.x;y",
    ] {
        assert_eq!(places.place(path, no_fold), Place::Ambiguous, "{path}");
    }
}

#[test]
fn spellings_that_could_be_read_in_two_ways_are_refused() {
    let places = places();
    for path in [
        "/book//x",
        "/book/x//",
        "/book/./x",
        "/book/..",
        "/book/../admin",
        "/book/%2e%2e/admin",
        "/book/.%2E/admin",
        "/book/..%2fadmin",
        "/book/a%2Fb",
        "/book/a%5cb",
        "/book/a\\b",
        "/book/%252e%252e/x",
        "/book/a%25252fb",
        "/book/a%25%32fb",
        "/book/%25252525",
        "/book/..;/x",
        "/book/..;a=b/x",
        "/book/..%3b/x",
        "/book/;x",
        "/book/;/x",
        "/book/%3fx",
        "/book/..%23",
        "/book/%20/x",
        "/book/..%20/x",
        "/book/%00",
        "/book/x%00",
        "/book/x%0d%0a",
        "/book/%c0%af",
        "/book/%e0%80%af",
        "/book/%ff",
        "/book/%",
        "/book/%2",
        "/book/%zz",
        "/book/%u002f",
        "/book/a b",
        "/book/<x>",
        "/book/{x}",
        // A longer prefix in other words.
        "/book/admin",
        "/book/%61dmin/x",
        "/book/%2561dmin/x",
        "/book/Admin/x",
        "/book/admin;a/x",
        "/book/admin%3fa/x",
    ] {
        assert_eq!(places.place(path, no_fold), Place::Ambiguous, "{path}");
    }
    assert_eq!(places.place("/book/ü", fold), Place::Ambiguous);
}
