//! Who owns an account whose address was never proven: the first proof decides (docs/mail.md, "Who owns an account").

use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{NEW_PASSWORD, post, post_as, settings};
use crate::harness::{
    Account, Answer, Mail, PASSWORD, Server, claims, me, refresh, send_json, sign_in, signed,
    stored_password, try_open, unique,
};

/// How the account came to be: by somebody who chose a password, by a line of an import, by an administrator.
const MADE: [&str; 3] = ["registered", "imported", "invited"];

/// What is left of what there was before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    /// All of it.
    Everything,
    /// All but what was sent to the address that the account has no more.
    EverythingButMail,
    /// The account, with this password or none.
    Account(Option<&'static str>),
    /// All of it, and the address is not proven.
    Unproven(u16, &'static str),
}

/// How the address is proven, by a challenge of which kind, and what is left then. By `code`, or else by link; with the
/// account's access token, that of another account, or none; with these members beside it.
struct Proof {
    path: &'static str,
    kind: &'static str,
    by_code: bool,
    token: Option<Whose>,
    members: Value,
    left: Left,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Whose {
    Own,
    Others,
}

fn proofs() -> Vec<Proof> {
    let proof = |path, kind, by_code, token, members, left| Proof {
        path,
        kind,
        by_code,
        token,
        members,
        left,
    };
    let verify = "/api/auth/email/verify";
    let confirm = "/api/auth/email/confirm";
    let reset = "/api/auth/password/reset";
    let sign_in = "/api/auth/code/verify";
    let invitation = "/api/auth/invitation";
    let (own, others) = (Some(Whose::Own), Some(Whose::Others));
    let right = json!({ "password": PASSWORD });
    let wrong = json!({ "password": NEW_PASSWORD });
    let new = json!({ "new_password": NEW_PASSWORD });
    let chosen = json!({ "password": NEW_PASSWORD, "name": "Another" });
    let none = json!({});
    let required = Left::Unproven(403, "Password required");
    let refused = Left::Unproven(403, "Wrong password");
    let (link, code) = (false, true);
    let everything = Left::Everything;
    vec![
        proof(verify, "verification", code, None, none.clone(), everything),
        proof(verify, "verification", code, own, none.clone(), everything),
        proof(verify, "verification", link, own, none.clone(), everything),
        proof(
            verify,
            "verification",
            link,
            None,
            right.clone(),
            everything,
        ),
        proof(
            verify,
            "verification",
            link,
            others,
            right.clone(),
            everything,
        ),
        proof(verify, "verification", link, None, none.clone(), required),
        proof(verify, "verification", link, others, none.clone(), required),
        proof(verify, "verification", link, None, wrong, refused),
        proof(
            reset,
            "reset",
            link,
            None,
            new.clone(),
            Left::Account(Some(NEW_PASSWORD)),
        ),
        proof(
            reset,
            "reset",
            code,
            None,
            new.clone(),
            Left::Account(Some(NEW_PASSWORD)),
        ),
        // Not even by the account's own token: it is somebody's who has it from before.
        proof(
            reset,
            "reset",
            link,
            own,
            new,
            Left::Account(Some(NEW_PASSWORD)),
        ),
        proof(
            sign_in,
            "sign_in",
            link,
            None,
            none.clone(),
            Left::Account(None),
        ),
        proof(
            sign_in,
            "sign_in",
            code,
            None,
            none.clone(),
            Left::Account(None),
        ),
        proof(
            sign_in,
            "sign_in",
            code,
            own,
            none.clone(),
            Left::Account(None),
        ),
        proof(
            invitation,
            "invitation",
            link,
            None,
            none.clone(),
            Left::Account(None),
        ),
        proof(
            invitation,
            "invitation",
            link,
            None,
            chosen,
            Left::Account(Some(NEW_PASSWORD)),
        ),
        proof(
            confirm,
            "email_change",
            code,
            None,
            none.clone(),
            Left::EverythingButMail,
        ),
        proof(
            confirm,
            "email_change",
            link,
            own,
            none.clone(),
            Left::EverythingButMail,
        ),
        proof(
            confirm,
            "email_change",
            link,
            None,
            right,
            Left::EverythingButMail,
        ),
        proof(confirm, "email_change", link, None, none.clone(), required),
        proof(confirm, "email_change", link, others, none, required),
    ]
}

/// The account before its proof.
struct Before {
    id: u64,
    email: String,
    has_password: bool,
    access: String,
    of_session: String,
    of_old_service: String,
    refresh: Option<String>,
    /// What was sent and not used, by kind; of two of a kind the later one.
    mails: Vec<Mail>,
}

/// A token of these claims for another account, or of another session.
fn for_account(template: &Value, id: u64, session: Option<&str>) -> String {
    let mut claims = template.clone();
    claims["sub"] = id.to_string().into();
    claims["identity"] = id.into();
    if let Some(session) = session {
        claims["sid"] = session.into();
    }
    signed(&claims)
}

async fn before(server: &Server, admin: &Account, made: &str) -> Before {
    let email = format!("{}@example.com", unique("owned"));
    let username = unique("Owned");
    let body = json!({ "email": email, "username": username, "name": "Ann", "password": PASSWORD });
    let id = match made {
        "registered" => {
            let answer = post(server, "/api/auth/register", body).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()["user"]["id"].clone()
        }
        "imported" => {
            let line = json!({
                "email": email, "username": username, "name": "Ann", "email_verified": false,
                "password_hash": stored_password("sha256", PASSWORD, 1000),
            });
            let request = server.request("POST", "/api/admin/users/import");
            let request = request.header("Authorization", &admin.bearer());
            let request = request.header("Content-Type", "application/x-ndjson");
            let answer = request.body(line.to_string()).send().await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let rows = "SELECT id FROM users WHERE email = ?";
            let rows = server.sql(rows, &[email.as_str().into()]).await;
            rows[0]["id"].clone()
        }
        _ => {
            let body = json!({ "email": email, "name": "Ann" });
            let answer = post_as(server, &admin.access_token, "/api/admin/users", body).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()["user"]["id"].clone()
        }
    };
    let id = id.as_u64().unwrap();
    let session = format!("{:A<43}", unique("session"));
    let template = claims(&admin.access_token);
    let access = for_account(&template, id, None);
    let has_password = made != "invited";
    let account = Account {
        id,
        email: email.clone(),
        username,
        access_token: access.clone(),
    };
    let mut refresh = None;
    if has_password {
        let opened = try_open(server, &account, PASSWORD).await.json();
        refresh = Some(opened["refresh_token"].as_str().unwrap().to_owned());
    }
    // From now on a password is one factor of two.
    attach(server, id, &session).await;
    // An invitation of each, from the same hand that could have made it.
    let invitation = format!("/api/admin/users/{id}/invitation");
    let of_address = json!({ "email": email });
    let new_address = json!({ "email": format!("{}@example.com", unique("pending")) });
    for (token, path, body) in [
        (&admin.access_token, invitation.as_str(), json!({})),
        (&access, "/api/auth/password/forgot", of_address.clone()),
        (&access, "/api/auth/code", of_address),
        (&access, "/api/auth/email/verification", json!({})),
        (&access, "/api/auth/email", new_address),
    ] {
        let answer = post_as(server, token, path, body).await;
        assert_eq!(answer.status, 202, "{path}: {}", answer.text());
    }
    let now = crate::harness::now();
    Before {
        id,
        email,
        has_password,
        of_session: for_account(&template, id, Some(&session)),
        of_old_service: signed(&json!({
            "sub": id.to_string(), "iat": now - 60, "exp": now + 600,
        })),
        access,
        refresh,
        mails: server.mail().await,
    }
}

/// What there is no route for, or none as quick.
async fn attach(server: &Server, id: u64, session: &str) {
    for statement in [
        "INSERT INTO passkeys (credential_id, user_id, id, public_key, sign_count, backup_eligible, \
           backed_up, user_verified, second_factor, name, created_at) \
         VALUES ('c' || ?1, ?1, 'p' || ?1, 'k', 0, 0, 0, 1, 1, 'Key', 0)",
        "INSERT INTO totp (user_id, secret, created_at) VALUES (?1, 's', 0)",
        "INSERT INTO recovery_codes (user_id, code_hash) VALUES (?1, printf('%043d', ?1))",
        "INSERT INTO identities (issuer, subject, user_id, created_at, last_used_at) \
         VALUES ('https://id.example', ?1, ?1, 0, 0)",
        "INSERT INTO attempts (key, failures, counted_at, closed_until, expires_at, familiar_until) \
         VALUES ('user ' || CAST(?1 AS INTEGER) || ' familiar', 3, 1, 0, 9e15, 9e15)",
    ] {
        server.sql(statement, &[id.into()]).await;
    }
    let statement = "INSERT INTO sessions (id, user_id, epoch, created_at, last_used_at, auth_time, amr) \
        VALUES (?2, ?1, 0, unixepoch() * 1000, unixepoch() * 1000, unixepoch(), 'pwd')";
    server.sql(statement, &[id.into(), session.into()]).await;
}

async fn prove(server: &Server, before: &Before, other: &Account, proof: &Proof) -> Answer {
    let of_kind = |mail: &&Mail| mail.parameter("kind") == proof.kind;
    let mail = before.mails.iter().rfind(of_kind).expect(proof.kind);
    let mut body = proof.members.clone();
    if proof.by_code {
        body["id"] = mail.parameter("id").into();
        body["code"] = mail.code().into();
    } else {
        body["token"] = mail.token().into();
    }
    match proof.token {
        None => post(server, proof.path, body).await,
        Some(Whose::Own) => post_as(server, &before.access, proof.path, body).await,
        Some(Whose::Others) => post_as(server, &other.access_token, proof.path, body).await,
    }
}

/// What is left of what was attached, and of the account.
async fn seen(server: &Server, before: &Before) -> Value {
    let rows = "SELECT (SELECT count(*) FROM passkeys WHERE user_id = ?1) AS passkeys, \
        (SELECT count(*) FROM totp WHERE user_id = ?1) AS totp, \
        (SELECT count(*) FROM recovery_codes WHERE user_id = ?1) AS recovery_codes, \
        (SELECT count(*) FROM identities WHERE user_id = ?1) AS identities, \
        (SELECT count(*) FROM attempts WHERE key = 'user ' || CAST(?1 AS INTEGER) || ' familiar') AS familiar, \
        password_hash IS NOT NULL AS has_password, email_verified_at IS NOT NULL AS proven, \
        role, username FROM users WHERE id = ?1";
    let mut seen = server.sql(rows, &[before.id.into()]).await.remove(0);
    for (what, token) in [
        ("access", &before.access),
        ("of_session", &before.of_session),
        ("of_old_service", &before.of_old_service),
    ] {
        seen[what] = (me(server, token).await == 200).into();
    }
    let mut good = Vec::new();
    for mail in &before.mails {
        // A page uses nothing up.
        let answer = server.request("GET", mail.path()).send().await;
        if answer.status == 200 {
            good.push(mail.parameter("kind").to_owned());
        }
    }
    good.sort();
    seen["good_mails"] = good.into();
    if let Some(token) = &before.refresh {
        seen["refresh"] = (refresh(server, token).await.status == 200).into();
    }
    seen
}

/// What is to be seen after the proof.
fn expected(seen_before: &Value, before: &Before, proof: &Proof) -> Value {
    let mut expected = seen_before.clone();
    let good = expected["good_mails"].as_array_mut().unwrap();
    match proof.left {
        Left::Unproven(..) => {}
        Left::Everything => {
            let used = good.iter().position(|kind| kind == proof.kind).unwrap();
            good.remove(used);
            expected["proven"] = 1.into();
        }
        Left::EverythingButMail => {
            good.clear();
            expected["proven"] = 1.into();
        }
        Left::Account(password) => {
            good.clear();
            for row in [
                "passkeys",
                "totp",
                "recovery_codes",
                "identities",
                "familiar",
            ] {
                expected[row] = 0.into();
            }
            for token in ["access", "of_session", "of_old_service"] {
                expected[token] = false.into();
            }
            if before.refresh.is_some() {
                expected["refresh"] = false.into();
            }
            expected["has_password"] = u8::from(password.is_some()).into();
            expected["proven"] = 1.into();
        }
    }
    expected
}

/// Every proof of an account that was made so.
async fn table(made: &'static str) {
    let server = Server::start(&settings()).await;
    let admin = Account::register(&server).await;
    let other = Account::register(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    server.mail().await;
    for proof in proofs() {
        let before = before(&server, &admin, made).await;
        if proof.members["password"] == PASSWORD && !before.has_password {
            continue;
        }
        let case = format!(
            "{made} {} {} {:?} {}",
            proof.path, proof.by_code, proof.token, proof.members
        );
        let first = seen(&server, &before).await;
        let of_everything = [
            ("passkeys", 1),
            ("totp", 1),
            ("recovery_codes", 1),
            ("identities", 1),
        ];
        for (what, count) in of_everything
            .into_iter()
            .chain([("familiar", 1), ("proven", 0)])
        {
            assert_eq!(first[what], count, "{case}: {first}");
        }
        let kinds = match made {
            "registered" => 6,
            "imported" => 5,
            _ => 6,
        };
        assert_eq!(
            first["good_mails"].as_array().unwrap().len(),
            kinds,
            "{case}: {first}"
        );
        assert_eq!(first["access"], true, "{case}: {first}");
        assert_eq!(first["of_session"], true, "{case}: {first}");
        assert_eq!(first["of_old_service"], true, "{case}: {first}");
        let answer = prove(&server, &before, &other, &proof).await;
        if let Left::Unproven(status, text) = proof.left {
            assert_eq!(
                (answer.status, &answer.json()["error"]),
                (status, &text.into()),
                "{case}"
            );
        } else {
            assert!(
                [200, 204].contains(&answer.status),
                "{case}: {}",
                answer.text()
            );
        }
        let last = seen(&server, &before).await;
        assert_eq!(last, expected(&first, &before, &proof), "{case}");
        let user = "SELECT email, name FROM users WHERE id = ?";
        let user = server.sql(user, &[before.id.into()]).await.remove(0);
        let name = proof.members["name"].as_str().unwrap_or("Ann");
        assert_eq!(user["name"], name, "{case}");
        let keeps_address = proof.left != Left::EverythingButMail;
        assert_eq!(
            user["email"] == before.email.as_str(),
            keeps_address,
            "{case}"
        );
        let email = user["email"].as_str().unwrap();
        let had = before.has_password.then_some(PASSWORD);
        let password = match proof.left {
            Left::Account(password) => password,
            _ => had,
        };
        // Where the second factors stay the password is one of two.
        let right = match proof.left {
            Left::Account(_) => 200,
            _ => 403,
        };
        for tried in [PASSWORD, NEW_PASSWORD] {
            let status = if Some(tried) == password { right } else { 401 };
            assert_eq!(
                sign_in(&server, email, tried).await.status,
                status,
                "{case}: {tried}"
            );
        }
        // Whoever was let in is asked for no second factor, and has the account to themselves.
        if answer.status == 200 {
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            let account = send_json(&server, "GET", "/api/auth/account", &token, json!({})).await;
            let account = account.json()["account"].clone();
            assert_eq!(account["user"]["id"], before.id, "{case}");
            assert_eq!(account["email_verified"], true, "{case}");
            assert_eq!(account["pending_email"], Value::Null, "{case}");
            assert_eq!(account["passkeys"], 0, "{case}");
            assert_eq!(account["second_factors"], json!([]), "{case}");
            assert_eq!(account["recovery_codes_left"], 0, "{case}");
        }
        server.mail().await;
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn the_first_proof_of_an_address_decides_what_stays() {
    join_all(MADE.map(table)).await;
}

/// The same proofs of an address that is proven already take nothing away but what a new password does.
#[wasm_bindgen_test]
async fn a_later_proof_takes_away_what_a_new_password_does() {
    let server = Server::start(&settings()).await;
    let admin = Account::register(&server).await;
    let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
    server.sql(statement, &[admin.id.into()]).await;
    server.mail().await;
    for proof in proofs() {
        if !["reset", "sign_in"].contains(&proof.kind) {
            continue;
        }
        let before = before(&server, &admin, "registered").await;
        let proven = "UPDATE users SET email_verified_at = 1 WHERE id = ?";
        server.sql(proven, &[before.id.into()]).await;
        let first = seen(&server, &before).await;
        let answer = prove(&server, &before, &admin, &proof).await;
        // A second factor stays on, and is asked for.
        let status = if proof.kind == "reset" { 204 } else { 403 };
        assert_eq!(answer.status, status, "{}", answer.text());
        let mut expected = first.clone();
        let good = expected["good_mails"].as_array_mut().unwrap();
        if proof.kind == "reset" {
            good.clear();
            for token in ["access", "of_session", "of_old_service", "refresh"] {
                expected[token] = false.into();
            }
            // With a second factor on no failure is forgotten, nor where it came from.
        } else {
            good.retain(|kind| kind != "sign_in");
        }
        assert_eq!(seen(&server, &before).await, expected, "{}", proof.path);
        server.mail().await;
    }
    server.stop().await;
}
