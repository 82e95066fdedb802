//! Asking for a link or a code, whichever the area.

use edge_auth_core::challenge::{ChallengeId, Kind};
use edge_auth_core::mail::{self, Browser, Language};

use crate::app::{App, Unexpected};
use crate::platform::http::Incoming;
use crate::platform::{clock, random};
use crate::store::challenges::{AskedBy, Challenges, NewChallenge};
use crate::store::outbox::Queued;

/// What a challenge is made of, before the database knows of it.
pub(crate) struct Asking {
    /// Its identifier.
    pub(crate) id: ChallengeId,
    kind: Kind,
    mail: mail::Kind,
    recipient_hash: String,
    new_email: Option<String>,
    browser: String,
    language: Language,
}

impl Asking {
    /// A challenge that goes to the account's own `address`, or to one that it is to have, in a mail of
    /// that kind.
    pub(crate) fn new(
        app: &App,
        request: &Incoming,
        (kind, mail): (Kind, mail::Kind),
        address: &str,
    ) -> Result<Self, Unexpected> {
        Ok(Self {
            id: ChallengeId::new(random::bytes()?),
            kind,
            mail,
            recipient_hash: recipient_hash(app, address)?,
            new_email: (kind == Kind::EmailChange).then(|| address.to_owned()),
            browser: browser(request)?.code(),
            language: language(request)?,
        })
    }

    /// As the database takes it.
    pub(crate) fn challenge(&self) -> NewChallenge<'_> {
        NewChallenge {
            id: &self.id,
            kind: self.kind,
            mail: self.mail,
            recipient_hash: &self.recipient_hash,
            new_email: self.new_email.as_deref(),
            browser: &self.browser,
            language: self.language.code(),
            now: clock::now(),
        }
    }

    /// Makes it, and has its mail sent once the request is answered; false beyond the limits, or where
    /// who asks may not.
    pub(crate) async fn ask(&self, app: &App, by: AskedBy<'_>) -> Result<bool, Unexpected> {
        let asked = Challenges(&app.database).ask(&self.challenge(), by).await?;
        let made = asked.is_some();
        send(app, asked);
        Ok(made)
    }
}

/// Of a registration, or of one who may not sign in before the address is proven: nobody waits for a
/// code.
pub(crate) const VERIFICATION: (Kind, mail::Kind) = (Kind::Verification, mail::Kind::Verification);

/// Has mail sent once the request is answered.
pub(crate) fn send(app: &App, mail: impl IntoIterator<Item = Queued>) {
    app.mail.borrow_mut().extend(mail);
}

/// The browser that sent a request.
pub(crate) fn browser(request: &Incoming) -> Result<Browser, Unexpected> {
    let header = request.header("User-Agent")?.unwrap_or_default();
    Ok(Browser::from_user_agent(&header))
}

/// The language of whoever sent a request.
pub(crate) fn language(request: &Incoming) -> Result<Language, Unexpected> {
    let header = request.header("Accept-Language")?.unwrap_or_default();
    Ok(Language::lookup(&header))
}

/// How an address is counted.
pub(crate) fn recipient_hash(app: &App, address: &str) -> Result<String, Unexpected> {
    let hash = app.config.challenge_keys.recipient(address);
    hash.ok_or_else(|| Unexpected::new("no key for challenges"))
}

/// Twenty-two random characters, such as the database knows a mail by.
pub(crate) fn random_id() -> Result<String, Unexpected> {
    Ok(ChallengeId::new(random::bytes()?).as_str().to_owned())
}
