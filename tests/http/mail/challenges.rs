//! Links and codes: how often they can be tried and used, what makes them void, and who comes first.

use futures_util::future::join_all;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    CODE, CODE_VERIFY, CONFIRM, EMAIL, FORGOT, NEW_PASSWORD, RESET, REVERT, VERIFICATION, VERIFY,
    by_code, by_link, is_good, mail_of, post, post_as, registered, settings, sign_in_status, tries,
    verified,
};
use crate::harness::{Account, Answer, Mail, PASSWORD, Server, send_json, unique};

/// A code that is not that of the mail.
fn wrong_code(mail: &Mail, nth: u32) -> String {
    let code: u32 = mail.code().parse().unwrap();
    format!("{:06}", (code + 1 + nth) % 1_000_000)
}

#[wasm_bindgen_test]
async fn of_fifty_codes_at_once_five_count_and_the_link_stays_good() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    for (path, used_at, rest) in [
        (CODE, CODE_VERIFY, json!({})),
        (FORGOT, RESET, json!({ "new_password": NEW_PASSWORD })),
    ] {
        let mail = mail_of(&server, &account, path, json!({ "email": account.email })).await;
        let guesses = (0..50).map(|nth| {
            let mut body = by_code(&mail, rest.clone());
            body["code"] = wrong_code(&mail, nth).into();
            post(&server, used_at, body)
        });
        for answer in join_all(guesses).await {
            assert_eq!(answer.json()["error"], "Invalid or expired code");
        }
        assert_eq!(tries(&server, &mail).await, 5);
        // The right one comes too late, and is refused as a wrong one is.
        let answer = post(&server, used_at, by_code(&mail, rest.clone())).await;
        assert_eq!(
            (answer.status, answer.json()),
            (400, json!({ "error": "Invalid or expired code" }))
        );
        assert!(is_good(&server, &mail).await);
        let answer = post(&server, used_at, by_link(&mail, rest)).await;
        assert!([200, 204].contains(&answer.status), "{}", answer.text());
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_fifth_code_is_good_if_it_is_right() {
    let server = Server::start(&settings()).await;
    let account = verified(&server).await;
    let mail = mail_of(&server, &account, CODE, json!({ "email": account.email })).await;
    for nth in 0..4 {
        let body = json!({ "id": mail.parameter("id"), "code": wrong_code(&mail, nth) });
        assert_eq!(post(&server, CODE_VERIFY, body).await.status, 400);
    }
    let answer = post(&server, CODE_VERIFY, by_code(&mail, json!({}))).await;
    assert_eq!(answer.status, 200);
    // What was right counts against nobody.
    assert_eq!(tries(&server, &mail).await, 4);
    server.stop().await;
}

#[wasm_bindgen_test]
async fn after_ten_wrong_codes_of_a_kind_in_a_day_there_are_links_alone() {
    let server = Server::start_with_clock(&settings()).await;
    let account = verified(&server).await;
    let body = || json!({ "email": account.email });
    for round in 0..2 {
        let mail = mail_of(&server, &account, CODE, body()).await;
        for nth in 0..5 {
            let body = json!({ "id": mail.parameter("id"), "code": wrong_code(&mail, nth) });
            assert_eq!(
                post(&server, CODE_VERIFY, body).await.status,
                400,
                "{round}"
            );
        }
    }
    let mail = mail_of(&server, &account, CODE, body()).await;
    let answer = post(&server, CODE_VERIFY, by_code(&mail, json!({}))).await;
    assert_eq!(answer.json()["error"], "Invalid or expired code");
    assert_eq!(tries(&server, &mail).await, 0, "it was not even compared");
    let answer = post(&server, CODE_VERIFY, by_link(&mail, json!({}))).await;
    assert_eq!(answer.status, 200);
    // Another kind has ten of its own.
    let mail = mail_of(&server, &account, FORGOT, body()).await;
    let rest = json!({ "new_password": NEW_PASSWORD });
    let answer = post(&server, RESET, by_code(&mail, rest)).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    server.mail().await;
    // So has the next day.
    for (hours, status) in [(23.9, 400), (24.1, 200)] {
        server.set_clock(hours * 3_600_000.0);
        let mail = mail_of(&server, &account, CODE, body()).await;
        let answer = post(&server, CODE_VERIFY, by_code(&mail, json!({}))).await;
        assert_eq!(answer.status, status, "{hours}");
    }
    server.stop().await;
}

/// Whoever knows the id of a stranger's challenge could use up the ten of a day, but for the owner at the screen.
#[wasm_bindgen_test]
async fn an_owner_who_is_signed_in_goes_on_typing_codes() {
    let server = Server::start_with_clock(&settings()).await;
    let (account, _) = registered(&server).await;
    let other = Account::register(&server).await;
    server.mail().await;
    for _ in 0..2 {
        let mail = mail_of(&server, &account, VERIFICATION, json!({})).await;
        for nth in 0..5 {
            let body = json!({ "id": mail.parameter("id"), "code": wrong_code(&mail, nth) });
            assert_eq!(post(&server, VERIFY, body).await.status, 400);
        }
    }
    server.set_clock(15.0 * 60_000.0 + 5000.0);
    // Their tokens have expired by now.
    let sign_in = async |account: Account| {
        let answer = crate::harness::sign_in(&server, &account.email, PASSWORD).await;
        let access_token = answer.json()["access_token"].as_str().unwrap().to_owned();
        Account {
            access_token,
            ..account
        }
    };
    let (account, other) = (sign_in(account).await, sign_in(other).await);
    let mail = mail_of(&server, &account, VERIFICATION, json!({})).await;
    let body = by_code(&mail, json!({}));
    assert_eq!(post(&server, VERIFY, body.clone()).await.status, 400);
    let answer = post_as(&server, &other.access_token, VERIFY, body.clone()).await;
    assert_eq!(answer.status, 400);
    let mut wrong = body.clone();
    wrong["code"] = wrong_code(&mail, 0).into();
    // His own five he has as well.
    for _ in 0..4 {
        let answer = post_as(&server, &account.access_token, VERIFY, wrong.clone()).await;
        assert_eq!(answer.status, 400);
    }
    let answer = post_as(&server, &account.access_token, VERIFY, body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    server.stop().await;
}

/// A thousand codes are guessed no sooner at these routes than at others.
#[wasm_bindgen_test]
async fn codes_are_limited_by_the_address_that_they_come_from() {
    let server = Server::start(&settings()).await;
    for path in [VERIFY, CONFIRM, CODE_VERIFY, RESET] {
        let address = crate::harness::unique_address() + "1";
        let body = json!({ "id": "A".repeat(22), "code": "123456", "new_password": NEW_PASSWORD });
        // A window may end meanwhile.
        let (mut refused, mut sent) = (0, 0);
        while refused == 0 && sent < 1000 {
            let tries = (0..20).map(|_| {
                let request = server.request("POST", path).json(body.clone());
                request.header("CF-Connecting-IP", &address).send()
            });
            for answer in join_all(tries).await {
                assert!(
                    [400, 429].contains(&answer.status),
                    "{path} {}",
                    answer.text()
                );
                refused += u32::from(answer.status == 429);
                sent += 1;
            }
        }
        assert!(refused > 0, "{path}: none of {sent} was refused");
        assert!(sent > 300, "{path}: {sent}");
    }
    server.stop().await;
}

/// Each of these is used ten times at once, by link and by code by turns where there are both: one wins.
#[wasm_bindgen_test]
async fn a_challenge_is_used_once_by_link_or_by_code() {
    let server = Server::start(&settings()).await;
    let admin = Account::register(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    server.mail().await;
    let password = |nth: usize| format!("a quiet green field {nth}");
    for path in [
        VERIFY,
        RESET,
        CODE_VERIFY,
        CONFIRM,
        REVERT,
        "/api/auth/invitation",
    ] {
        let account = match path {
            VERIFY => registered(&server).await.0,
            _ => verified(&server).await,
        };
        let new = format!("{}@example.com", unique("once"));
        let of_address = json!({ "email": account.email });
        let mail = match path {
            VERIFY => mail_of(&server, &account, VERIFICATION, json!({})).await,
            RESET => mail_of(&server, &account, FORGOT, of_address).await,
            CODE_VERIFY => mail_of(&server, &account, CODE, of_address).await,
            CONFIRM => mail_of(&server, &account, EMAIL, json!({ "email": new })).await,
            REVERT => {
                let mail = mail_of(&server, &account, EMAIL, json!({ "email": new })).await;
                let answer = post(&server, CONFIRM, by_code(&mail, json!({}))).await;
                assert_eq!(answer.status, 204);
                server.mail_to(&account.email).await
            }
            _ => {
                let body = json!({ "email": new, "name": "Guest" });
                let answer = post_as(&server, &admin.access_token, "/api/admin/users", body).await;
                assert_eq!(answer.status, 201);
                server.mail_to(&new).await
            }
        };
        let has_code = [VERIFY, RESET, CODE_VERIFY, CONFIRM].contains(&path);
        let uses = (0..10).map(|nth| {
            let rest = match path {
                RESET => json!({ "new_password": password(nth) }),
                "/api/auth/invitation" => json!({ "password": password(nth) }),
                _ => json!({}),
            };
            let body = if has_code && nth % 2 == 1 {
                by_code(&mail, rest)
            } else {
                by_link(&mail, rest)
            };
            let (server, token) = (&server, account.access_token.clone());
            async move {
                // A link of these wants the account's token.
                if [VERIFY, CONFIRM].contains(&path) {
                    post_as(server, &token, path, body).await
                } else {
                    post(server, path, body).await
                }
            }
        });
        let answers = join_all(uses).await;
        let good = |answer: &Answer| [200, 204].contains(&answer.status);
        let winners: Vec<_> = (0..10).filter(|nth| good(&answers[*nth])).collect();
        assert_eq!(winners.len(), 1, "{path} {answers:?}");
        for (nth, answer) in answers.iter().enumerate() {
            if winners[0] != nth {
                let what = if has_code && nth % 2 == 1 {
                    "code"
                } else {
                    "link"
                };
                let expected = format!("Invalid or expired {what}");
                assert_eq!(answer.json()["error"], expected.as_str(), "{path}");
            }
        }
        let (email, is_set) = match path {
            RESET => (&account.email, true),
            "/api/auth/invitation" => (&new, true),
            _ => (&account.email, false),
        };
        if is_set {
            let account = Account {
                email: email.clone(),
                ..account
            };
            for nth in 0..10 {
                let status = if nth == winners[0] { 200 } else { 401 };
                assert_eq!(
                    sign_in_status(&server, &account, &password(nth)).await,
                    status
                );
            }
        }
        server.mail().await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn each_kind_is_good_for_its_time_and_no_longer() {
    const MINUTE: f64 = 60_000.0;
    const DAY: f64 = 24.0 * 60.0 * MINUTE;
    let server = Server::start_with_clock(&settings()).await;
    let admin = Account::register(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    server.mail().await;
    let new = format!("{}@example.com", unique("timed"));
    let account = verified(&server).await;
    let unproven = registered(&server).await.0;
    let moved = verified(&server).await;
    let body = json!({ "email": format!("{}@example.com", unique("timed")) });
    let mail = mail_of(&server, &moved, EMAIL, body).await;
    post(&server, CONFIRM, by_code(&mail, json!({}))).await;
    let revert = server.mail_to(&moved.email).await;
    let guest = json!({ "email": "guest@example.com", "name": "Guest" });
    let answer = post_as(&server, &admin.access_token, "/api/admin/users", guest).await;
    assert_eq!(answer.status, 201);
    let invitation = server.mail_to("guest@example.com").await;
    let of_address = json!({ "email": account.email });
    for (mail, path, rest, life) in [
        (
            mail_of(&server, &account, CODE, of_address.clone()).await,
            CODE_VERIFY,
            json!({}),
            10.0 * MINUTE,
        ),
        (
            mail_of(&server, &account, FORGOT, of_address).await,
            RESET,
            json!({ "new_password": NEW_PASSWORD }),
            30.0 * MINUTE,
        ),
        (
            mail_of(&server, &unproven, VERIFICATION, json!({})).await,
            VERIFY,
            json!({ "password": PASSWORD }),
            DAY,
        ),
        (
            mail_of(&server, &account, EMAIL, json!({ "email": new })).await,
            CONFIRM,
            json!({ "password": PASSWORD }),
            DAY,
        ),
        (invitation, "/api/auth/invitation", json!({}), 7.0 * DAY),
        (revert, REVERT, json!({}), 7.0 * DAY),
    ] {
        // Each was sent some seconds ago, on a busy machine.
        server.set_clock(life - 60_000.0);
        assert!(is_good(&server, &mail).await, "{path}");
        server.set_clock(life);
        assert!(!is_good(&server, &mail).await, "{path}");
        let answer = post(&server, path, by_link(&mail, rest.clone())).await;
        assert_eq!(answer.json()["error"], "Invalid or expired link", "{path}");
        if ["/api/auth/invitation", REVERT].contains(&path) {
            continue;
        }
        let answer = post(&server, path, by_code(&mail, rest)).await;
        assert_eq!(answer.json()["error"], "Invalid or expired code", "{path}");
    }
    server.stop().await;
}

/// What happens to an account, and which of its links and codes are good afterwards.
#[wasm_bindgen_test]
async fn what_makes_a_challenge_void() {
    let server = Server::start(&settings()).await;
    let all = ["email_change", "email_revert", "reset", "sign_in"];
    let all_unproven = ["email_change", "reset", "sign_in", "verification"];
    for (is_proven, change, good) in [
        (true, "name", &all[..]),
        (true, "password", &["email_revert"]),
        (true, "no password", &["email_revert"]),
        (true, "reset", &["email_revert"]),
        (true, "address", &["email_revert"]),
        (true, "disabled", &[]),
        (true, "deleted", &[]),
        (false, "name", &all_unproven),
        (false, "password", &["reset"]),
        (false, "no password", &["reset"]),
        (false, "address", &[]),
        (false, "disabled", &[]),
        (false, "deleted", &[]),
    ] {
        let account = if is_proven {
            verified(&server).await
        } else {
            registered(&server).await.0
        };
        let mut mails = Vec::new();
        let mut email = account.email.clone();
        if is_proven {
            email = format!("{}@example.com", unique("void"));
            let mail = mail_of(&server, &account, EMAIL, json!({ "email": email })).await;
            let answer = post(&server, CONFIRM, by_code(&mail, json!({}))).await;
            assert_eq!(answer.status, 204, "{}", answer.text());
            mails.push(server.mail_to(&account.email).await);
        } else {
            mails.push(mail_of(&server, &account, VERIFICATION, json!({})).await);
        }
        let next = format!("{}@example.com", unique("void"));
        let to_next = mail_of(&server, &account, EMAIL, json!({ "email": next })).await;
        mails.push(mail_of(&server, &account, FORGOT, json!({ "email": email })).await);
        mails.push(mail_of(&server, &account, CODE, json!({ "email": email })).await);
        let token = &account.access_token;
        let passwords = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        let password = json!({ "password": PASSWORD });
        let answer = match change {
            "name" => {
                send_json(
                    &server,
                    "PATCH",
                    "/api/auth/me",
                    token,
                    json!({ "name": "New" }),
                )
                .await
            }
            "password" => post_as(&server, token, "/api/auth/password", passwords).await,
            "no password" => {
                send_json(&server, "DELETE", "/api/auth/password", token, json!({})).await
            }
            "address" => post(&server, CONFIRM, by_code(&to_next, json!({}))).await,
            "deleted" => send_json(&server, "DELETE", "/api/auth/me", token, password).await,
            "reset" => {
                let mail = mail_of(&server, &account, FORGOT, json!({ "email": email })).await;
                let body = by_code(&mail, json!({ "new_password": NEW_PASSWORD }));
                post(&server, RESET, body).await
            }
            _ => {
                let statement = "UPDATE users SET disabled = 1 WHERE id = ?";
                server.sql(statement, &[account.id.into()]).await;
                server.request("GET", "/healthz").send().await
            }
        };
        assert!(
            [200, 204].contains(&answer.status),
            "{change}: {}",
            answer.text()
        );
        if change != "address" {
            mails.push(to_next);
        }
        let mut left = Vec::new();
        for mail in &mails {
            if is_good(&server, mail).await {
                left.push(mail.parameter("kind"));
            }
        }
        left.sort_unstable();
        assert_eq!(left, good, "{change}, {is_proven}");
        server.mail().await;
    }
    server.stop().await;
}
