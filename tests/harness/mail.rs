//! Mail that the Worker has sent.

use serde_json::Value;

use super::{Server, Setting};

/// Settings with which mail is sent, to where [`Server::mail`] reads it.
pub(crate) const MAIL: [Setting<'static>; 3] = [
    ("MAIL", Some("cloudflare")),
    ("MAIL_FROM", Some("Example <no-reply@example.com>")),
    ("PUBLIC_URL", Some("https://auth.example.com")),
];

/// A mail as its transport was given it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl Server {
    /// The mails that were sent since this was last called, all of them: the outbox is empty. They go out once an
    /// answer is on its way.
    pub(crate) async fn mail(&self) -> Vec<Mail> {
        for _ in 0..1000 {
            if self.sql("SELECT 1 FROM outbox", &[]).await.is_empty() {
                break;
            }
        }
        self.mail_so_far()
    }

    /// The mails that have reached the binding since then, whether or not it took them.
    pub(crate) fn mail_so_far(&self) -> Vec<Mail> {
        let received = self.providers_received();
        received.iter().map(Mail::read).collect()
    }

    /// The same once there are `count`.
    pub(crate) async fn mails(&self, count: usize) -> Vec<Mail> {
        let mut mails = Vec::new();
        for _ in 0..1000 {
            mails.extend(self.mail_so_far());
            if mails.len() >= count {
                break;
            }
            self.sql("SELECT 1", &[]).await;
        }
        assert_eq!(mails.len(), count, "{mails:?}");
        mails
    }

    /// The one mail that was sent since then, to `address`.
    pub(crate) async fn mail_to(&self, address: &str) -> Mail {
        let mut mail = self.mail().await;
        assert_eq!(mail.len(), 1, "{mail:?}");
        let mail = mail.remove(0);
        assert_eq!(mail.to, address);
        mail
    }
}

impl Mail {
    fn read(request: &Value) -> Self {
        assert_eq!(request["url"], "https://send-email.example/");
        let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
        let text = |name: &str| body[name].as_str().expect(name).to_owned();
        Self {
            to: text("to"),
            subject: text("subject"),
            text: text("text"),
            html: text("html"),
        }
    }

    /// Where its link leads.
    pub(crate) fn link(&self) -> &str {
        let is_link = |line: &&str| line.starts_with("https://");
        self.text.lines().find(is_link).expect("a link")
    }

    /// The path and query of that.
    pub(crate) fn path(&self) -> &str {
        let path = self.link().strip_prefix("https://auth.example.com");
        path.expect("a link of ours")
    }

    /// A parameter of its link.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let (_, query) = self.link().split_once('?').expect("a query");
        let mut parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        parameters.find(|(key, _)| *key == name).expect(name).1
    }

    /// Its link's token.
    pub(crate) fn token(&self) -> &str {
        self.parameter("token")
    }

    /// Its code.
    pub(crate) fn code(&self) -> &str {
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
        self.text.lines().find(is_code).expect("a code")
    }
}
