//! What becomes of a mail that was not sent at once: nothing is lost, and nothing is sent twice without need.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::{FORGOT, post, post_as, registered, settings, verified};
use crate::harness::{Account, Mail, PASSWORD, Server, Setting};

const MINUTE_MS: f64 = 60_000.0;

/// What the binding says where it takes no mail, but may do so later.
fn unavailable() -> Value {
    json!({ "status": 503, "body": "E_INTERNAL_SERVER_ERROR" })
}

/// Asks for a reset by mail, and says its id.
async fn forgot(server: &Server, email: &str) -> Value {
    let answer = post(server, FORGOT, json!({ "email": email })).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].clone()
}

/// Runs the trigger at a time that the Worker's clock shows from now on.
async fn run_at(server: &Server, ahead_ms: f64) {
    server.set_clock(ahead_ms);
    // The trigger goes by the clock of the last request.
    server.request("GET", "/nowhere").send().await;
    assert_eq!(server.run_mail_cron().await, "ok");
}

async fn rows(server: &Server) -> Vec<Value> {
    let rows = "SELECT kind, due_at - created_at AS pause, tries FROM outbox ORDER BY due_at";
    server.sql(rows, &[]).await
}

async fn failures(server: &Server) -> Vec<Value> {
    let rows = "SELECT action, user_id, detail FROM audit WHERE action = 'mail_failed'";
    server.sql(rows, &[]).await
}

#[wasm_bindgen_test]
async fn what_no_transport_takes_is_sent_by_the_first_run_after_it_is_due() {
    let server = Server::start_with_clock(&settings()).await;
    let account = verified(&server).await;
    server.providers_answer(&[unavailable()]);
    let id = forgot(&server, &account.email).await;
    server.mails(1).await;
    let [row] = &rows(&server).await[..] else {
        panic!("one row")
    };
    // Longer than transports take to give up: it may still be under way.
    assert_eq!(row["pause"], MINUTE_MS);
    run_at(&server, 0.0).await;
    run_at(&server, MINUTE_MS - 10_000.0).await;
    assert_eq!(server.mail_so_far(), []);
    run_at(&server, MINUTE_MS).await;
    let mail = server.mail_to(&account.email).await;
    assert_eq!(mail.parameter("id"), id);
    // Once it is sent it is not sent again.
    run_at(&server, 10.0 * MINUTE_MS).await;
    assert_eq!(server.mail_so_far(), []);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn a_mail_of_a_worker_that_died_before_it_was_sent_is_sent_by_the_trigger() {
    let server = Server::start_with_database_failing_after(&settings()).await;
    let account = verified(&server).await;
    for (email, sent) in [(account.email.as_str(), 1), ("nobody@example.com", 0)] {
        // The transaction is through, and nobody who could send the mail is left.
        let request = server.request("POST", FORGOT).header("Database", "fails");
        let answer = request.json(json!({ "email": email })).send().await;
        assert_eq!(answer.status, 500);
        assert_eq!(server.mail_so_far(), []);
        assert_eq!(rows(&server).await.len(), 1);
        assert_eq!(server.run_mail_cron().await, "ok");
        assert_eq!(server.mail_so_far(), [], "it is not due");
        let due = "UPDATE outbox SET due_at = unixepoch() * 1000 - 1";
        server.sql(due, &[]).await;
        assert_eq!(server.run_mail_cron().await, "ok");
        let mails = server.mail().await;
        assert_eq!(mails.len(), sent);
        assert!(mails.iter().all(|mail| mail.to == account.email));
        assert_eq!(rows(&server).await, Vec::<Value>::new());
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn tries_have_growing_pauses_until_the_mail_expires_which_is_told() {
    let server = Server::start_with_clock(&settings()).await;
    let account = verified(&server).await;
    for refusal in [
        unavailable(),
        // An address that bounces.
        json!({ "status": 400, "body": "E_RECIPIENT_SUPPRESSED" }),
    ] {
        server.set_clock(0.0);
        server.sql("DELETE FROM audit", &[]).await;
        server.providers_answer(&vec![refusal.clone(); 50]);
        forgot(&server, &account.email).await;
        server.mails(1).await;
        let mut tried = Vec::new();
        for minute in 1..=40 {
            // The trigger comes a little late each time.
            run_at(&server, f64::from(minute) * MINUTE_MS + 1000.0).await;
            if !server.mail_so_far().is_empty() {
                tried.push(minute);
            }
            let left = rows(&server).await.len();
            assert_eq!(left, usize::from(minute < 32), "{minute}");
        }
        assert_eq!(tried, [1, 2, 4, 8, 16], "{refusal}");
        let failed = json!({ "action": "mail_failed", "user_id": account.id, "detail": "reset" });
        assert_eq!(failures(&server).await, [failed]);
        let logs = server.logs().await;
        assert!(
            logs.iter()
                .any(|line| line.contains("expired before it was sent"))
        );
        assert!(
            logs.iter().all(|line| !line.contains(&account.email)),
            "{logs:?}"
        );
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_is_void_before_it_is_sent_is_not_sent() {
    let server = Server::start(&settings()).await;
    let due = "UPDATE outbox SET due_at = 1";
    for case in ["used", "void", "deleted"] {
        let account = verified(&server).await;
        server.providers_answer(&[unavailable()]);
        forgot(&server, &account.email).await;
        server.mails(1).await;
        let statement = match case {
            "used" => "UPDATE challenges SET spent_by = 'x' WHERE user_id = ? AND kind = 'reset'",
            "void" => {
                "UPDATE challenges SET spent_by = 'void' WHERE user_id = ? AND kind = 'reset'"
            }
            _ => "DELETE FROM users WHERE id = ?",
        };
        server.sql(statement, &[account.id.into()]).await;
        server.sql(due, &[]).await;
        assert_eq!(server.run_mail_cron().await, "ok");
        assert_eq!(server.mail().await, [], "{case}");
        assert_eq!(failures(&server).await, Vec::<Value>::new(), "{case}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn two_triggers_at_once_send_a_mail_once() {
    let server = Server::start(&settings()).await;
    let mut expected = Vec::new();
    for _ in 0..5 {
        let account = verified(&server).await;
        server.providers_answer(&[unavailable()]);
        forgot(&server, &account.email).await;
        server.mails(1).await;
        expected.push(account.email);
    }
    server.sql("UPDATE outbox SET due_at = 1", &[]).await;
    // Every hour both of them come.
    let ran = join(server.run_mail_cron(), server.run_cron()).await;
    assert_eq!(ran, ("ok".to_owned(), "ok".to_owned()));
    let mut sent: Vec<_> = server
        .mail()
        .await
        .into_iter()
        .map(|mail| mail.to)
        .collect();
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected);
    server.stop().await;
}

/// More than one run may send: what is left is left to the next.
#[wasm_bindgen_test]
async fn a_run_leaves_what_is_too_much_to_the_next() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let statement = "INSERT INTO outbox (due_at, id, kind, user_id, recipient, language, created_at, \
          expires_at, browser) \
        SELECT value, printf('%022d', value), 'password_changed', ?1, ?2, 'en', 1, 9e15, '' \
        FROM generate_series(1, 30)";
    let series = "WITH RECURSIVE numbers (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM numbers \
        WHERE value < 30) ";
    let statement = format!(
        "{series}{}",
        statement.replace("generate_series(1, 30)", "numbers")
    );
    server
        .sql(
            &statement,
            &[account.id.into(), account.email.as_str().into()],
        )
        .await;
    let mut sent = Vec::new();
    while !rows(&server).await.is_empty() {
        assert_eq!(server.run_mail_cron().await, "ok");
        sent.push(server.mail_so_far().len());
    }
    assert_eq!(sent, [12, 12, 6]);
    server.stop().await;
}

/// Settings by which mail goes to a server of the operator's.
fn by_webhook() -> Vec<Setting<'static>> {
    let mut settings = settings();
    settings.retain(|(name, _)| *name != "MAIL");
    settings.extend([
        ("MAIL", Some("webhook")),
        ("MAIL_WEBHOOK_URL", Some("https://hooks.example.com/mail")),
        (
            "MAIL_WEBHOOK_SECRET",
            Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ),
    ]);
    settings
}

/// What has reached the webhook once it was `count` mails.
async fn hooked(server: &Server, count: usize) -> Vec<Value> {
    let mut received = Vec::new();
    for _ in 0..5000 {
        received.extend(server.providers_received());
        if received.len() >= count {
            break;
        }
        server.sql("SELECT 1", &[]).await;
    }
    assert_eq!(received.len(), count);
    received
}

#[wasm_bindgen_test]
async fn whatever_a_transport_does_nobody_waits_and_nothing_is_lost() {
    let server = Server::start_with_fast_timers(&by_webhook()).await;
    let account = Account::register(&server).await;
    hooked(&server, 1).await;
    for (answer, is_taken) in [
        (json!({ "hangs": true }), false),
        (json!({ "afterMs": 1500 }), false),
        (json!({ "status": 400 }), false),
        (json!({ "status": 429 }), false),
        (json!({ "status": 500, "body": "\u{0}garbage" }), false),
        (json!({ "status": 302 }), false),
        (json!({ "body": "<garbage" }), true),
        (json!({ "status": 204 }), true),
    ] {
        server.sql("DELETE FROM outbox", &[]).await;
        server.sql("DELETE FROM challenges", &[]).await;
        server.providers_answer(std::slice::from_ref(&answer));
        let began = js_sys::Date::now();
        let id = forgot(&server, &account.email).await;
        let took = js_sys::Date::now() - began;
        assert!(took < 900.0, "{answer}: {took} ms");
        let first = hooked(&server, 1).await.remove(0);
        assert_eq!(first["headers"]["webhook-id"], id);
        if is_taken {
            while !rows(&server).await.is_empty() {}
            assert_eq!(server.run_mail_cron().await, "ok");
            assert_eq!(server.providers_received(), Vec::<Value>::new(), "{answer}");
            continue;
        }
        // Once it is given up, within the minute that it has, it is left to the trigger.
        let given_up = format!("mail {}: ", id.as_str().unwrap());
        while !server
            .logs()
            .await
            .iter()
            .any(|line| line.contains(&given_up))
        {}
        assert_eq!(rows(&server).await.len(), 1, "{answer}");
        server.sql("UPDATE outbox SET due_at = 1", &[]).await;
        assert_eq!(server.run_mail_cron().await, "ok");
        let second = hooked(&server, 1).await.remove(0);
        // Whoever has taken the first one after all knows the second as the same.
        assert_eq!(second["headers"]["webhook-id"], id);
        assert_eq!(second["body"], first["body"], "{answer}");
        assert_eq!(rows(&server).await, Vec::<Value>::new(), "{answer}");
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_same_mail_asked_for_a_hundred_times_is_sent_three_times() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    for email in [account.email.as_str(), "nobody@example.com"] {
        for path in [FORGOT, "/api/auth/code"] {
            let asked = join_all((0..100).map(|_| post(&server, path, json!({ "email": email }))));
            let mut ids: Vec<_> = asked
                .await
                .iter()
                .map(|answer| {
                    assert_eq!(answer.status, 202, "{}", answer.text());
                    answer.json()["id"].as_str().unwrap().to_owned()
                })
                .collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 100, "each has an id of its own");
            let mails = server.mail().await;
            let sent = if email == account.email { 3 } else { 0 };
            assert_eq!(mails.len(), sent, "{email} {path}");
            // Each of them is good: whichever one reads first can be used.
            for mail in mails {
                assert!(ids.contains(&mail.parameter("id").to_owned()));
                let page = server.request("GET", mail.path()).send().await;
                assert_eq!(page.status, 200);
            }
        }
    }
    let rows = "SELECT count(*) AS n FROM challenges WHERE kind IN ('reset', 'sign_in')";
    assert_eq!(server.sql(rows, &[]).await, [json!({ "n": 12 })]);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn scanners_that_follow_every_link_use_none_up() {
    let server = Server::start(&settings()).await;
    let (account, _) = registered(&server).await;
    let admin = Account::register(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    server.mail().await;
    let guest = json!({ "email": "guest@example.com", "name": "Guest" });
    post_as(&server, &admin.access_token, "/api/admin/users", guest).await;
    for (path, body) in [
        (FORGOT, json!({ "email": account.email })),
        ("/api/auth/code", json!({ "email": account.email })),
        ("/api/auth/email/verification", json!({})),
        ("/api/auth/email", json!({ "email": "next@example.com" })),
    ] {
        let answer = post_as(&server, &account.access_token, path, body).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let mails = server.mail().await;
    assert_eq!(mails.len(), 5);
    let seen = "SELECT * FROM challenges ORDER BY id";
    let before = server.sql(seen, &[]).await;
    let users = server.sql("SELECT * FROM users", &[]).await;
    for mail in &mails {
        for method in ["GET", "HEAD", "GET", "HEAD"] {
            let answer = server.request(method, mail.path()).send().await;
            assert_eq!(answer.status, 200, "{method} {}", mail.path());
            assert_eq!(answer.text().is_empty(), method == "HEAD");
        }
    }
    assert_eq!(server.sql(seen, &[]).await, before);
    assert_eq!(server.sql("SELECT * FROM users", &[]).await, users);
    // Each does what it is for afterwards.
    let by_kind = |kind: &str| {
        let found = mails.iter().find(|mail| mail.parameter("kind") == kind);
        json!({ "token": found.expect(kind).token() })
    };
    let with = |kind: &str, name: &str, value: &str| {
        let mut body = by_kind(kind);
        body[name] = value.into();
        body
    };
    for (path, body, status) in [
        (
            "/api/auth/email/verify",
            with("verification", "password", PASSWORD),
            204,
        ),
        (
            "/api/auth/email/confirm",
            with("email_change", "password", PASSWORD),
            204,
        ),
        ("/api/auth/invitation", by_kind("invitation"), 200),
    ] {
        let answer = post(&server, path, body).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text());
    }
    // The link that takes a change back goes to the address before.
    let mails_after = server.mail().await;
    let takes_back = |mail: &&Mail| mail.text.contains("kind=email_revert");
    let revert = mails_after.iter().find(takes_back).unwrap();
    assert_eq!(revert.to, account.email);
    for method in ["GET", "HEAD", "GET", "HEAD"] {
        let answer = server.request(method, revert.path()).send().await;
        assert_eq!(answer.status, 200);
    }
    let body = json!({ "token": revert.token() });
    let answer = post(&server, "/api/auth/email/revert", body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    console_log!("links of {} mails were followed", mails.len() + 1);
    server.stop().await;
}
