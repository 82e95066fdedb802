//! Links as they are in mails, one of each kind, and what is filled in on their pages.

use serde_json::{Value, json};

use crate::harness::{Account, Mail, PASSWORD, RequestBuilder, Server, unique};
use crate::mail::{NEW_PASSWORD, post, post_as, registered, verified};

/// The page that links lead to.
pub(super) const PATH: &str = "/account/confirm";

/// The kinds whose page has a form.
pub(super) const WITH_FORM: [&str; 5] = [
    "verification",
    "reset",
    "email_change",
    "email_revert",
    "invitation",
];

/// All kinds.
pub(super) const KINDS: [&str; 6] = [
    "verification",
    "reset",
    "email_change",
    "email_revert",
    "invitation",
    "sign_in",
];

/// A mail with a link.
pub(super) struct Sent {
    pub(super) kind: &'static str,
    pub(super) mail: Mail,
    /// An access token of the account, good until the link is followed; none of an invited one.
    pub(super) access_token: String,
}

/// Has a mail of that kind sent, for an account of its own.
pub(super) async fn send(server: &Server, kind: &'static str) -> Sent {
    // Notices of what was done before.
    server.mail().await;
    let (account, mail) = match kind {
        "verification" => {
            let account = Account::register(server).await;
            let mail = server.mail_to(&account.email).await;
            (account, mail)
        }
        "reset" | "sign_in" => {
            let account = verified(server).await;
            let path = match kind {
                "reset" => "/api/auth/password/forgot",
                _ => "/api/auth/code",
            };
            let answer = post(server, path, json!({ "email": account.email })).await;
            assert_eq!(answer.status, 202, "{}", answer.text());
            let mail = server.mail_to(&account.email).await;
            (account, mail)
        }
        "email_change" | "email_revert" => {
            let account = verified(server).await;
            let new = format!("{}@example.com", unique("new"));
            let body = json!({ "email": new });
            let answer = post_as(server, &account.access_token, "/api/auth/email", body).await;
            assert_eq!(answer.status, 202, "{}", answer.text());
            let mut mail = server.mail_to(&new).await;
            if kind == "email_revert" {
                let body = json!({ "id": mail.parameter("id"), "code": mail.code() });
                let answer = post(server, "/api/auth/email/confirm", body).await;
                assert_eq!(answer.status, 204, "{}", answer.text());
                mail = server.mail_to(&account.email).await;
            }
            (account, mail)
        }
        "invitation" => {
            let (admin, _) = registered(server).await;
            let statement = "UPDATE users SET role = 'admin' WHERE id = ?";
            server.sql(statement, &[admin.id.into()]).await;
            let email = format!("{}@example.com", unique("guest"));
            let body = json!({ "email": email, "name": "Guest" });
            let answer = post_as(server, &admin.access_token, "/api/admin/users", body).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            let mail = server.mail_to(&email).await;
            (admin, mail)
        }
        kind => panic!("{kind}"),
    };
    assert_eq!(mail.parameter("kind"), kind);
    Sent {
        kind,
        mail,
        access_token: account.access_token,
    }
}

impl Sent {
    /// The target of a GET of its link.
    pub(super) fn target(&self) -> &str {
        let link = self.mail.link().strip_prefix("https://auth.example.com");
        link.expect("a link to PUBLIC_URL")
    }

    /// The form of its page, filled in to the end of what the link is for.
    pub(super) fn form(&self) -> String {
        format!("{}{}", self.form_of(self.kind), self.filled_in())
    }

    /// What the page of a link of `kind` with this token has hidden in its form.
    pub(super) fn form_of(&self, kind: &str) -> String {
        let (id, token) = (self.mail.parameter("id"), self.mail.token());
        format!("kind={kind}&id={id}&token={token}")
    }

    fn filled_in(&self) -> String {
        let field = match self.kind {
            "verification" | "email_change" => ("password", PASSWORD),
            "reset" | "invitation" => ("new_password", NEW_PASSWORD),
            _ => return String::new(),
        };
        format!("&{}={}", field.0, field.1.replace(' ', "+"))
    }
}

/// A form as it arrives, without what browsers say of where it is from.
pub(super) fn post_form(server: &Server) -> RequestBuilder<'_> {
    let request = server.request("POST", PATH);
    request.header("Content-Type", "application/x-www-form-urlencoded")
}

/// A form as a browser sends it from a page of this service.
pub(super) fn own_form(server: &Server) -> RequestBuilder<'_> {
    post_form(server).header("Sec-Fetch-Site", "same-origin")
}

/// All that a link could change.
pub(super) async fn state(server: &Server) -> Vec<Value> {
    let mut rows = Vec::new();
    for statement in [
        "SELECT * FROM users ORDER BY id",
        "SELECT * FROM challenges ORDER BY id",
        "SELECT * FROM sessions ORDER BY id",
        "SELECT * FROM attempts ORDER BY key",
        "SELECT * FROM outbox ORDER BY id",
    ] {
        rows.extend(server.sql(statement, &[]).await);
    }
    rows
}
