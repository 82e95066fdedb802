//! How many queries what is done by mail costs, by which index, and how many rows it writes.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::check_plan;
use crate::harness::{
    Account, Answer, MAIL, Mail, PASSWORD, QUICK, RequestBuilder, Server, Setting, unique,
};

const NEW_PASSWORD: &str = "another correct horse";
const HOME: &str = "192.0.2.1";

/// What each use of a route costs with all that is done after its answer: statements, and rows written with those of the
/// indexes.
const COSTS: [(&str, usize, u32); 37] = [
    ("register", 7, 11),
    ("verification", 4, 5),
    ("verify by a wrong code", 2, 1),
    ("verify by a code", 6, 4),
    ("verification of what is proven", 1, 0),
    ("verify by a link and a token", 6, 3),
    ("verify by a link and the password", 7, 3),
    ("forgot", 3, 5),
    ("forgot of nobody", 3, 5),
    ("the page of a link", 1, 0),
    ("reset to a weak password by a link", 1, 0),
    ("reset to a weak password by a code", 3, 2),
    ("reset by a code", 11, 8),
    ("reset by a code of no challenge", 2, 0),
    ("reset by a link", 10, 5),
    ("reset of an account that nobody has proven", 12, 5),
    ("code", 3, 5),
    ("code of nobody", 3, 5),
    ("sign-in by a code", 5, 3),
    ("sign-in by a link that opens a session", 6, 4),
    ("sign-in to an account that nobody has proven", 11, 5),
    ("account", 2, 0),
    ("change of address", 4, 5),
    ("confirm", 9, 10),
    ("revert", 6, 4),
    ("password taken away", 7, 5),
    ("password given", 7, 5),
    ("an account for a guest", 6, 10),
    ("invitation", 6, 6),
    ("invitation accepted", 12, 5),
    ("sign-in from elsewhere, not proven", 6, 4),
    ("sign-in from elsewhere", 8, 6),
    ("sign-in from there again", 5, 3),
    ("a refresh token used again", 4, 4),
    ("and once more", 1, 0),
    ("the trigger without a mail", 1, 0),
    ("the trigger with one", 3, 2),
];

/// A server whose console tells each of its statements, or each statement's rows.
struct Told {
    server: Server,
    beginning: &'static str,
    told: Vec<(&'static str, Vec<String>)>,
}

impl Told {
    /// Until nothing more is done after an answer, where the lines of a request are.
    async fn settled(&self) -> Vec<String> {
        while !self
            .server
            .sql("SELECT 1 FROM outbox", &[])
            .await
            .is_empty()
        {}
        let mut logs = self.server.logs().await;
        loop {
            for _ in 0..8 {
                self.server.sql("SELECT 1", &[]).await;
            }
            let more = self.server.logs().await;
            if more.len() == logs.len() {
                return more;
            }
            logs = more;
        }
    }

    /// What a request costs, with all that is done after its answer.
    async fn cost(
        &mut self,
        what: &'static str,
        request: RequestBuilder<'_>,
        status: u16,
    ) -> Answer {
        let before = self.settled().await.len();
        let answer = request.send().await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        self.tell(what, before).await;
        answer
    }

    async fn tell(&mut self, what: &'static str, before: usize) {
        let lines = self.settled().await.split_off(before);
        let lines = lines
            .iter()
            .filter_map(|line| line.strip_prefix(self.beginning));
        self.told.push((what, lines.map(str::to_owned).collect()));
    }

    /// The mails that were sent meanwhile.
    async fn mail(&self) -> Vec<Mail> {
        self.settled().await;
        self.server.mail_so_far()
    }

    async fn mail_of(&self, kind: &str) -> Mail {
        let of_kind = format!("kind={kind}&");
        let mails = self.mail().await;
        let found = mails.into_iter().rfind(|mail| mail.text.contains(&of_kind));
        found.expect(kind)
    }

    async fn set(&self, statement: &str, account: &Account) {
        self.server.sql(statement, &[account.id.into()]).await;
    }
}

fn by_link(mail: &Mail, mut rest: Value) -> Value {
    rest["token"] = mail.token().into();
    rest
}

fn by_code(mail: &Mail, mut rest: Value) -> Value {
    rest["id"] = mail.parameter("id").into();
    rest["code"] = mail.code().into();
    rest
}

/// Uses each route that has to do with mail. What costs more from elsewhere comes from [`HOME`].
async fn use_every_route(
    server: Server,
    beginning: &'static str,
) -> Vec<(&'static str, Vec<String>)> {
    let mut told = Told {
        server: server.clone(),
        beginning,
        told: Vec::new(),
    };
    let post = |path: &str, body: Value| {
        let request = server.request("POST", path).json(body);
        request.header("CF-Connecting-IP", HOME)
    };
    let as_owner = |account: &Account, method: &str, path: &str, body: Value| {
        let request = server.request(method, path).json(body);
        let request = request.header("CF-Connecting-IP", HOME);
        request.header("Authorization", &account.bearer())
    };
    let (forgot, reset) = ("/api/auth/password/forgot", "/api/auth/password/reset");
    let (code, code_verify) = ("/api/auth/code", "/api/auth/code/verify");
    let (verification, verify) = ("/api/auth/email/verification", "/api/auth/email/verify");
    let (email, confirm) = ("/api/auth/email", "/api/auth/email/confirm");
    let prove = "UPDATE users SET email_verified_at = 1 WHERE id = ?";
    let new = json!({ "new_password": NEW_PASSWORD });

    let body = json!({ "email": "new@example.com", "password": PASSWORD, "name": "New" });
    told.cost("register", post("/api/auth/register", body), 201)
        .await;
    let account = Account::register_from(&server, HOME).await;
    let of_address = json!({ "email": account.email });
    let of_nobody = json!({ "email": "nobody@example.com" });
    told.mail().await;
    let answer = post(
        "/api/auth/login",
        json!({ "email": account.email, "password": PASSWORD }),
    )
    .send()
    .await;
    assert_eq!(answer.status, 200);

    let request = as_owner(&account, "POST", verification, json!({}));
    told.cost("verification", request, 202).await;
    let mail = told.mail_of("verification").await;
    let mut wrong = by_code(&mail, json!({}));
    wrong["code"] = format!(
        "{:06}",
        (mail.code().parse::<u32>().unwrap() + 1) % 1_000_000
    )
    .into();
    told.cost("verify by a wrong code", post(verify, wrong), 400)
        .await;
    told.cost(
        "verify by a code",
        post(verify, by_code(&mail, json!({}))),
        204,
    )
    .await;
    let request = as_owner(&account, "POST", verification, json!({}));
    told.cost("verification of what is proven", request, 202)
        .await;
    let other = Account::register_from(&server, HOME).await;
    let mail = told.mail_of("verification").await;
    let request = as_owner(&other, "POST", verify, by_link(&mail, json!({})));
    told.cost("verify by a link and a token", request, 204)
        .await;
    Account::register_from(&server, HOME).await;
    let mail = told.mail_of("verification").await;
    let body = by_link(&mail, json!({ "password": PASSWORD }));
    told.cost("verify by a link and the password", post(verify, body), 204)
        .await;

    told.cost("forgot", post(forgot, of_address.clone()), 202)
        .await;
    let mail = told.mail_of("reset").await;
    told.cost("forgot of nobody", post(forgot, of_nobody.clone()), 202)
        .await;
    let page = server.request("GET", mail.path());
    told.cost("the page of a link", page, 200).await;
    let body = by_link(&mail, json!({ "new_password": "short" }));
    told.cost("reset to a weak password by a link", post(reset, body), 400)
        .await;
    let body = by_code(&mail, json!({ "new_password": "short" }));
    told.cost("reset to a weak password by a code", post(reset, body), 400)
        .await;
    told.cost(
        "reset by a code",
        post(reset, by_code(&mail, new.clone())),
        204,
    )
    .await;
    told.cost(
        "reset by a code of no challenge",
        post(reset, {
            let mut body = by_code(&mail, new.clone());
            body["id"] = "A".repeat(22).into();
            body
        }),
        400,
    )
    .await;
    post(forgot, of_address.clone()).send().await;
    let mail = told.mail_of("reset").await;
    told.cost(
        "reset by a link",
        post(reset, by_link(&mail, new.clone())),
        204,
    )
    .await;
    let unproven = Account::register_from(&server, HOME).await;
    post(forgot, json!({ "email": unproven.email }))
        .send()
        .await;
    let mail = told.mail_of("reset").await;
    let body = by_link(&mail, new.clone());
    told.cost(
        "reset of an account that nobody has proven",
        post(reset, body),
        204,
    )
    .await;

    told.cost("code", post(code, of_address.clone()), 202).await;
    let mail = told.mail_of("sign_in").await;
    told.cost("code of nobody", post(code, of_nobody), 202)
        .await;
    told.cost(
        "sign-in by a code",
        post(code_verify, by_code(&mail, json!({}))),
        200,
    )
    .await;
    post(code, of_address.clone()).send().await;
    let mail = told.mail_of("sign_in").await;
    let body = by_link(&mail, json!({ "scope": "offline_access" }));
    let answer = told
        .cost(
            "sign-in by a link that opens a session",
            post(code_verify, body),
            200,
        )
        .await;
    let access_token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let account = Account {
        access_token,
        ..account
    };
    let unproven = Account::register_from(&server, HOME).await;
    post(code, json!({ "email": unproven.email })).send().await;
    let mail = told.mail_of("sign_in").await;
    let body = by_link(&mail, json!({}));
    told.cost(
        "sign-in to an account that nobody has proven",
        post(code_verify, body),
        200,
    )
    .await;

    let request = as_owner(&account, "GET", "/api/auth/account", json!({}));
    told.cost("account", request, 200).await;
    let next = json!({ "email": unique("next") + "@example.com" });
    let request = as_owner(&account, "POST", email, next);
    told.cost("change of address", request, 202).await;
    let mail = told.mail_of("email_change").await;
    told.cost("confirm", post(confirm, by_code(&mail, json!({}))), 204)
        .await;
    let mail = told.mail_of("email_revert").await;
    let body = by_link(&mail, json!({}));
    told.cost("revert", post("/api/auth/email/revert", body), 204)
        .await;

    let keeper = Account::register_from(&server, HOME).await;
    told.set(prove, &keeper).await;
    let request = as_owner(&keeper, "DELETE", "/api/auth/password", json!({}));
    told.cost("password taken away", request, 204).await;
    let bare = Account::register_from(&server, HOME).await;
    told.set(prove, &bare).await;
    told.set("UPDATE users SET password_hash = NULL WHERE id = ?", &bare)
        .await;
    let request = as_owner(&bare, "POST", "/api/auth/password", new.clone());
    told.cost("password given", request, 204).await;

    let admin = Account::register_from(&server, HOME).await;
    told.set("UPDATE users SET role = 'admin' WHERE id = ?", &admin)
        .await;
    let guest = json!({ "email": "guest@example.com", "name": "Guest" });
    let request = as_owner(&admin, "POST", "/api/admin/users", guest);
    let answer = told.cost("an account for a guest", request, 201).await;
    let path = format!(
        "/api/admin/users/{}/invitation",
        answer.json()["user"]["id"]
    );
    let request = as_owner(&admin, "POST", &path, json!({}));
    told.cost("invitation", request, 202).await;
    let mail = told.mail_of("invitation").await;
    let body = by_link(&mail, json!({ "password": PASSWORD }));
    told.cost(
        "invitation accepted",
        post("/api/auth/invitation", body),
        200,
    )
    .await;

    // What a sign-in from elsewhere costs, told and not.
    let traveller = Account::register_from(&server, HOME).await;
    let login =
        json!({ "email": traveller.email, "password": PASSWORD, "scope": "offline_access" });
    let from = |address: &str| {
        let request = server
            .request("POST", "/api/auth/login")
            .json(login.clone());
        request.header("CF-Connecting-IP", address)
    };
    told.cost(
        "sign-in from elsewhere, not proven",
        from("198.51.100.1"),
        200,
    )
    .await;
    told.set(prove, &traveller).await;
    told.cost("sign-in from elsewhere", from("198.51.100.2"), 200)
        .await;
    told.cost("sign-in from there again", from("198.51.100.2"), 200)
        .await;
    let session = from("198.51.100.2").send().await.json();
    let spent = json!({ "refresh_token": session["refresh_token"] });
    let reused = "UPDATE sessions SET generation = 5, spent = '1000000000000' WHERE user_id = ?";
    told.set(reused, &traveller).await;
    told.cost(
        "a refresh token used again",
        post("/api/auth/refresh", spent.clone()),
        401,
    )
    .await;
    told.cost("and once more", post("/api/auth/refresh", spent), 401)
        .await;

    let before = told.settled().await.len();
    assert_eq!(server.run_mail_cron().await, "ok");
    told.tell("the trigger without a mail", before).await;
    let due = "INSERT INTO outbox (due_at, id, kind, user_id, recipient, language, created_at, expires_at, browser) \
        VALUES (1, printf('%022d', 1), 'password_changed', ?1, 'ann@example.com', 'en', 1, 9e15, '')";
    let before = told.settled().await.len();
    told.set(due, &traveller).await;
    assert_eq!(server.run_mail_cron().await, "ok");
    told.tell("the trigger with one", before).await;
    told.told
}

fn settings() -> Vec<Setting<'static>> {
    [&MAIL[..], &QUICK].concat()
}

#[wasm_bindgen_test]
async fn what_is_done_by_mail_costs_few_queries_each_by_an_index() {
    let server = Server::start_with_seen_queries(&settings()).await;
    let told = use_every_route(server.clone(), "query: ").await;
    let counts: Vec<_> = told
        .iter()
        .map(|(what, lines)| (*what, lines.len()))
        .collect();
    for (_, statements) in &told {
        for statement in statements {
            check_plan(&server, statement).await;
        }
    }
    assert_eq!(
        counts,
        COSTS.map(|(what, statements, _)| (what, statements))
    );
    server.stop().await;
}

#[wasm_bindgen_test]
async fn what_is_done_by_mail_writes_few_rows() {
    let server = Server::start_with_counted_rows(&settings()).await;
    let told = use_every_route(server.clone(), "rows written: ").await;
    let sum = |lines: &[String]| {
        lines
            .iter()
            .map(|rows| rows.parse::<u32>().unwrap())
            .sum::<u32>()
    };
    let counts: Vec<_> = told
        .iter()
        .map(|(what, lines)| (*what, sum(lines)))
        .collect();
    assert_eq!(counts, COSTS.map(|(what, _, rows)| (what, rows)));
    server.stop().await;
}
