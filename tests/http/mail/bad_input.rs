//! What no well-meaning client sends: addresses, names, links and codes.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{FORGOT, NEW_PASSWORD, post, post_as, settings};
use crate::harness::{Account, Mail, PASSWORD, Server, unique};

/// An admin's access token.
async fn admin(server: &Server) -> Account {
    let admin = Account::register(server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    server.mail().await;
    admin
}

#[wasm_bindgen_test]
async fn addresses_that_are_none_reach_no_transport() {
    let server = Server::start(&settings()).await;
    let admin = admin(&server).await;
    let long = format!("{}@example.com", "a".repeat(288));
    let rows = "SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM challenges) AS challenges";
    let before = server.sql(rows, &[]).await;
    for email in [
        "Ann <ann@example.com>",
        "ann@example.com (Ann)",
        "\"Ann Lee\"@example.com",
        "ann@example.com\r\nBcc: eve@example.com",
        "ann\r\n@example.com",
        "ann@exam\nple.com",
        "ann@example.com\0",
        "ann@example.com\u{202e}",
        "ann@example.com, eve@example.com",
        "ann@example.com;eve@example.com",
        "änn@example.com",
        "ann@exämple.com",
        "ann@例え.jp",
        "ann@example",
        "ann@@example.com",
        "@example.com",
        "ann",
        &long,
    ] {
        let body = json!({ "email": email, "name": "Ann", "password": NEW_PASSWORD });
        for path in [
            FORGOT,
            "/api/auth/code",
            "/api/auth/email",
            "/api/auth/register",
            "/api/admin/users",
        ] {
            let answer = post_as(&server, &admin.access_token, path, body.clone()).await;
            assert_eq!(answer.status, 400, "{path} {email:?}: {}", answer.text());
            assert!(
                answer.text().starts_with("{\"error\":\"email must"),
                "{}",
                answer.text()
            );
        }
    }
    for email in [json!(1), json!(["ann@example.com"]), json!({}), json!(true)] {
        for path in [FORGOT, "/api/auth/code"] {
            let answer = post(&server, path, json!({ "email": email })).await;
            assert_eq!(answer.status, 400);
            assert_eq!(answer.json()["error"], "email must be a string");
        }
    }
    assert_eq!(server.sql(rows, &[]).await, before);
    assert_eq!(server.mail().await, []);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn addresses_that_a_provider_could_read_as_others_are_sent_nothing() {
    let server = Server::start(&settings()).await;
    let admin = admin(&server).await;
    for email in [
        "ann<eve@example.com",
        "ann,eve@example.com",
        "ann;eve@example.com",
        "(ann)eve@example.com",
        "\"ann\"@example.com",
        "ann:eve@example.com",
        "ann\\eve@example.com",
        "ann@[192.0.2.1]",
        "ann@example.com,eve.example",
    ] {
        let body = json!({ "email": email, "name": "Ann", "password": NEW_PASSWORD });
        let answer = post(&server, "/api/auth/register", body.clone()).await;
        assert_eq!(answer.status, 201, "{email}");
        for path in [FORGOT, "/api/auth/code"] {
            assert_eq!(
                post(&server, path, body.clone()).await.status,
                202,
                "{email}"
            );
        }
        let answer = post_as(&server, &admin.access_token, "/api/auth/email", body).await;
        assert_eq!(answer.status, 202, "{email}");
        server
            .sql("DELETE FROM challenges WHERE kind = 'email_change'", &[])
            .await;
    }
    // What they are is said to nobody, so the log has it by its id.
    server.sql("UPDATE outbox SET due_at = 1", &[]).await;
    for _ in 0..4 {
        assert_eq!(server.run_mail_cron().await, "ok");
    }
    assert_eq!(server.mail_so_far(), []);
    let logs = server.logs().await;
    assert!(
        logs.iter()
            .any(|line| line.contains("has an address that no mail goes to"))
    );
    let names = |line: &String| line.contains("eve@") || line.contains("eve.example");
    assert!(!logs.iter().any(names), "{logs:?}");
    server.sql("DELETE FROM outbox", &[]).await;
    // Those of other scripts have a form that goes everywhere, and others are unusual alone.
    for email in [
        "ann@xn--exmple-cua.com",
        "o'hara+a=b@example.com",
        "a!#$%&*/?^_`{|}~@example.com",
    ] {
        let body = json!({ "email": email, "name": "Ann", "password": NEW_PASSWORD });
        assert_eq!(post(&server, "/api/auth/register", body).await.status, 201);
        server.mail_to(email).await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn nothing_that_a_stranger_writes_gets_into_a_mail_or_its_page() {
    let server = Server::start(&settings()).await;
    let admin = admin(&server).await;
    for (name, status) in [
        ("<b>Bold</b><script>alert(1)</script>", 201),
        ("<a href=\"https://evil.example\">prize</a>", 201),
        ("https://evil.example/prize", 201),
        ("www.evil.example", 201),
        ("{link} {code} {site}", 201),
        ("evil@evil.example", 201),
        (&"evil".repeat(50), 201),
        ("evil\r\nBcc: eve@example.com", 400),
        ("evil\nline", 400),
        ("evil\u{2028}line", 400),
        ("evil\u{2029}line", 400),
        ("evil\u{202e}live", 400),
        ("evil\u{2066}live", 400),
        ("evil\u{200f}live", 400),
        ("evil\0", 400),
    ] {
        let email = format!("{}@example.com", unique("named"));
        let hostile = "Mozilla/5.0 (evil.example; https://evil.example) <script>evil</script>";
        let body = json!({ "email": email, "name": name, "password": NEW_PASSWORD });
        let request = server.request("POST", "/api/auth/register").json(body);
        let request = request.header("User-Agent", hostile);
        let request = request.header("Accept-Language", "evil/../../en, <script>, de\t;q=0.0001");
        let request = request.header("Host", "evil.example");
        let request = request.header("X-Forwarded-Host", "evil.example");
        let answer = request.send().await;
        assert_eq!(answer.status, status, "{name:?}: {}", answer.text());
        let invited = format!("{}@example.com", unique("named"));
        let body = json!({ "email": invited, "name": name });
        let request = server.request("POST", "/api/admin/users").json(body);
        let request = request.header("Authorization", &admin.bearer());
        let answer = request.header("User-Agent", hostile).send().await;
        assert_eq!(answer.status, status, "{name:?}: {}", answer.text());
        let mails = server.mail().await;
        assert_eq!(mails.len(), if status == 201 { 2 } else { 0 });
        for mail in mails {
            for text in [&mail.subject, &mail.text, &mail.html] {
                for hostile in ["evil", "Bold", "<script", "{link}", "named"] {
                    assert!(!text.contains(hostile), "{hostile}: {text}");
                }
            }
            assert!(
                mail.link()
                    .starts_with("https://auth.example.com/account/confirm?")
            );
            let page = server.request("GET", mail.path()).send().await;
            assert_eq!(page.status, 200);
            assert!(!page.text().contains("evil"), "{}", page.text());
            assert!(!page.text().contains("<script"), "{}", page.text());
        }
    }
    server.stop().await;
}

/// A link of each kind, and where it is used, with what it needs beside it.
async fn links(server: &Server) -> Vec<(Mail, &'static str, Value)> {
    let admin = admin(server).await;
    let account = Account::register(server).await;
    let mut mails = vec![server.mail_to(&account.email).await];
    let statement = "UPDATE users SET email_verified_at = 1 WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    // Its address is changed, so that there is a link that takes that back.
    let new = format!("{}@example.com", unique("moved"));
    let body = json!({ "email": new });
    post_as(server, &account.access_token, "/api/auth/email", body).await;
    let sent = server.mail_to(&new).await;
    let body = json!({ "id": sent.parameter("id"), "code": sent.code() });
    post(server, "/api/auth/email/confirm", body).await;
    mails.push(server.mail_to(&account.email).await);
    let statement = "UPDATE users SET email_verified_at = NULL WHERE id = ?";
    server.sql(statement, &[account.id.into()]).await;
    let guest = format!("{}@example.com", unique("guest"));
    for (token, path, body) in [
        (
            &account.access_token,
            "/api/auth/email/verification",
            json!({}),
        ),
        (
            &account.access_token,
            "/api/auth/code",
            json!({ "email": new }),
        ),
        (&account.access_token, FORGOT, json!({ "email": new })),
        (
            &account.access_token,
            "/api/auth/email",
            json!({ "email": format!("{}@example.com", unique("next")) }),
        ),
        (
            &admin.access_token,
            "/api/admin/users",
            json!({ "email": guest, "name": "Guest" }),
        ),
    ] {
        let answer = post_as(server, token, path, body).await;
        assert!([201, 202].contains(&answer.status), "{}", answer.text());
    }
    mails.extend(server.mail().await);
    // That of the registration was sent to another address.
    mails.remove(0);
    let password = json!({ "password": PASSWORD });
    let use_of = |mail: &Mail| match mail.parameter("kind") {
        "verification" => ("/api/auth/email/verify", password.clone()),
        "email_change" => ("/api/auth/email/confirm", password.clone()),
        "email_revert" => ("/api/auth/email/revert", json!({})),
        "reset" => (
            "/api/auth/password/reset",
            json!({ "new_password": NEW_PASSWORD }),
        ),
        "sign_in" => ("/api/auth/code/verify", json!({})),
        _ => ("/api/auth/invitation", json!({})),
    };
    let links = mails.into_iter().map(|mail| {
        let (path, body) = use_of(&mail);
        (mail, path, body)
    });
    links.collect()
}

const SEEN: &str =
    "SELECT id, email, email_verified_at, password_hash, epoch FROM users ORDER BY id";

#[wasm_bindgen_test]
async fn a_link_that_is_not_exactly_that_of_its_kind_does_nothing() {
    let settings = settings();
    let another = [
        &settings[..],
        &[(
            "JWT_SECRET",
            Some("another deployment's secret, of 40 bytes."),
        )],
    ];
    let rotated = [
        &settings[..],
        &[
            (
                "JWT_SECRET",
                Some("the secret that came after it, of 40 byte"),
            ),
            ("JWT_SECRETS_RETIRED", Some(crate::harness::SECRET)),
        ],
    ];
    let each = [settings.clone(), another.concat(), rotated.concat()];
    let servers = Server::start_sharing_database(&each).await;
    let [server, another, rotated] = &servers[..] else {
        panic!("three servers")
    };
    let links = links(server).await;
    let mut kinds: Vec<_> = links
        .iter()
        .map(|(mail, ..)| mail.parameter("kind"))
        .collect();
    kinds.sort_unstable();
    let all = [
        "email_change",
        "email_revert",
        "invitation",
        "reset",
        "sign_in",
        "verification",
    ];
    assert_eq!(kinds, all);
    let before = server.sql(SEEN, &[]).await;
    let attempts = "SELECT count(*) AS n FROM attempts";
    let attempts_before = server.sql(attempts, &[]).await;
    for (mail, path, beside) in &links {
        let token = mail.token();
        let of_others: Vec<_> = links
            .iter()
            .map(|(mail, ..)| mail.token())
            .filter(|other| other != &token)
            .collect();
        let (head, tail) = token.split_at(63);
        let other_end = if tail == "A" { "B" } else { "A" };
        let mut tokens = vec![
            "x".to_owned(),
            head.to_owned(),
            token[1..].to_owned(),
            format!("{head}{other_end}"),
            format!("{token}{token}"),
            format!("{token}A"),
            format!("{token}="),
            format!("{token}\n"),
            format!(" {token}"),
            format!("{token}\0"),
            token.replace(|c: char| c.is_ascii_lowercase(), "+"),
            token.to_lowercase(),
            // The id of one and the hash of another.
            format!("{}{}", &token[..22], &of_others[0][22..]),
            "A".repeat(64),
            "é".repeat(32),
            "A".repeat(10_000),
        ];
        tokens.extend(of_others.into_iter().map(str::to_owned));
        for token in tokens {
            let mut body = beside.clone();
            body["token"] = token.as_str().into();
            let answer = post(server, path, body).await;
            let seen = (answer.status, answer.text());
            let expected = (400, "{\"error\":\"Invalid or expired link\"}\n");
            assert_eq!(seen, expected, "{path} {token:.70}");
        }
        for (token, problem) in [
            (json!(1), "token must be a string"),
            (json!([token]), "token must be a string"),
            (json!({ "token": token }), "token must be a string"),
            (json!(true), "token must be a string"),
            (json!(null), "Missing required fields: "),
            (json!(""), "Missing required fields: "),
            (json!(" "), "Missing required fields: "),
        ] {
            let mut body = beside.clone();
            body["token"] = token.clone();
            let answer = post(server, path, body).await;
            assert_eq!(answer.status, 400, "{path} {token}");
            assert!(
                answer.text().contains(problem),
                "{path} {token} {}",
                answer.text()
            );
        }
        let mut body = beside.clone();
        body["token"] = token.into();
        let answer = post(another, path, body).await;
        assert_eq!(answer.status, 400, "{path} of another deployment");
        assert_eq!(answer.json()["error"], "Invalid or expired link");
        let page = another.request("GET", mail.path()).send().await;
        assert_eq!(page.status, 400);
    }
    assert_eq!(server.sql(SEEN, &[]).await, before);
    // A link that is not good tells nothing of a password.
    assert_eq!(server.sql(attempts, &[]).await, attempts_before);
    // None is used up by it, and each is good under a secret that came after its own.
    for kind in ["email_change", "email_revert", "invitation"] {
        let of_kind = |(mail, ..): &&(Mail, _, _)| mail.parameter("kind") == kind;
        let (mail, path, beside) = links.iter().find(of_kind).unwrap();
        let page = rotated.request("GET", mail.path()).send().await;
        assert_eq!(page.status, 200, "{kind}");
        let mut body = beside.clone();
        body["token"] = mail.token().into();
        let answer = post(rotated, path, body).await;
        assert!(
            [200, 204].contains(&answer.status),
            "{kind} {}",
            answer.text()
        );
    }
    server.clone().stop().await;
}

#[wasm_bindgen_test]
async fn a_code_that_is_not_exactly_that_of_its_challenge_does_nothing() {
    let settings = settings();
    let another = (
        "JWT_SECRET",
        Some("another deployment's secret, of 40 bytes."),
    );
    let each = [settings.clone(), [&settings[..], &[another]].concat()];
    let servers = Server::start_sharing_database(&each).await;
    let [server, another] = &servers[..] else {
        panic!("two servers")
    };
    let links = links(server).await;
    let with_code = |(mail, ..): &&(Mail, _, _)| {
        ["verification", "email_change", "reset", "sign_in"].contains(&mail.parameter("kind"))
    };
    let with_code: Vec<_> = links.iter().filter(with_code).collect();
    let before = server.sql(SEEN, &[]).await;
    for (mail, path, beside) in &with_code {
        let (id, code) = (mail.parameter("id"), mail.code());
        let other = with_code
            .iter()
            .find(|other| other.0.code() != code)
            .unwrap();
        let (cut, doubled) = (&code[1..], format!("{code}{code}"));
        let arabic: String = code
            .chars()
            .map(|c| char::from_u32(u32::from(c) - 48 + 0x660).unwrap())
            .collect();
        for (id, code) in [
            (json!(id), json!(cut)),
            (json!(id), json!(doubled)),
            (json!(id), json!(arabic)),
            (json!(id), json!(format!("-{code}"))),
            (json!(id), json!(format!("+{cut}"))),
            (json!(id), json!("      x")),
            (json!(id), json!("x".repeat(10_000))),
            (json!(other.0.parameter("id")), json!(code)),
            (json!(format!("{id}=")), json!(code)),
            (json!(&id[1..]), json!(code)),
            (json!("A".repeat(22)), json!(code)),
            (json!(mail.token()), json!(code)),
            (json!("'; DROP TABLE users; --"), json!(code)),
        ] {
            let mut body = beside.clone();
            body["id"] = id.clone();
            body["code"] = code.clone();
            let answer = post(server, path, body).await;
            let seen = (answer.status, answer.text());
            let expected = (400, "{\"error\":\"Invalid or expired code\"}\n");
            assert_eq!(seen, expected, "{path} {id} {code}");
        }
        for (id, code, problem) in [
            (json!(id), json!(123_456), "code must be a string"),
            (json!(1), json!(code), "id must be a string"),
            (json!(id), json!(null), "Missing required fields: id, code"),
            (
                json!(null),
                json!(code),
                "Missing required fields: id, code",
            ),
            (json!(id), json!(" "), "Missing required fields: id, code"),
        ] {
            let mut body = beside.clone();
            body["id"] = id.clone();
            body["code"] = code.clone();
            let answer = post(server, path, body).await;
            assert_eq!(answer.json()["error"], problem, "{path} {id} {code}");
        }
        let mut body = beside.clone();
        body["id"] = id.into();
        body["code"] = code.into();
        let answer = post(another, path, body).await;
        assert_eq!(answer.json()["error"], "Invalid or expired code", "{path}");
    }
    assert_eq!(server.sql(SEEN, &[]).await, before);
    // As people type it, and with a null where other clients leave a member out.
    let (mail, path, beside) = with_code.last().unwrap();
    let code = mail.code();
    let mut body = beside.clone();
    body["id"] = mail.parameter("id").into();
    body["code"] = format!(" {} {}\n", &code[..3], &code[3..]).into();
    body["token"] = Value::Null;
    let answer = post(server, path, body).await;
    assert_eq!(answer.status, 204, "{path} {}", answer.text());
    server.clone().stop().await;
}
