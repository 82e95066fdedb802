//! Sending what is in the outbox: once a request is answered, or by the cron trigger
//! (docs/mail.md, "Sending").

use edge_auth_core::account::Email;
use edge_auth_core::challenge::{self, ChallengeId};
use edge_auth_core::mail::{Address, Browser, Kind, Language, Letter, Placeholder};

use crate::config::Config;
use crate::config::mail::Mail;
use crate::platform::clock;
use crate::platform::mail::{Mailer, Submission};
use crate::store::audit::{Action, Audit, Event, Origin};
use crate::store::outbox::{Outbox, Queued};
use crate::store::{Database, StoreError};
use crate::trace::log;
use edge_auth_core::time::{Milliseconds, Seconds};

/// The most mails of one run of the trigger: with their statements they are within the 50 subrequests of
/// an event on the free plan.
const AT_ONCE: u32 = 12;

/// When a run takes no more, so that it is over before the next begins.
const LONGEST_RUN: Milliseconds = Seconds(40).milliseconds();

/// What sends mail.
pub(crate) struct Sender<'a> {
    /// The settings.
    pub(crate) config: &'a Config,
    /// Where the outbox is.
    pub(crate) database: &'a Database,
    /// What takes mail.
    pub(crate) mailer: Mailer,
}

impl Sender<'_> {
    /// Sends what is due, as much as one run may.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) async fn run(&self) -> Result<(), StoreError> {
        let started = clock::now();
        for _ in 0..AT_ONCE {
            let now = clock::now();
            if now.since(started) > LONGEST_RUN {
                break;
            }
            let Some(mail) = Outbox(self.database).take(now).await? else {
                break;
            };
            self.send(&mail).await?;
        }
        Ok(())
    }

    /// Sends a mail. One that is not taken stays where it is until it expires.
    ///
    /// # Errors
    /// The database failed: the mail may go out once more.
    pub(crate) async fn send(&self, mail: &Queued) -> Result<(), StoreError> {
        let outbox = Outbox(self.database);
        let (Some(settings), Some(recipient)) = (&self.config.mail, &mail.recipient) else {
            return outbox.delete(mail).await;
        };
        if !mail.is_good {
            return outbox.delete(mail).await;
        }
        if mail.expires_at <= clock::now() {
            log(format_args!("mail {}: expired before it was sent", mail.id));
            self.tell(mail).await?;
            return outbox.delete(mail).await;
        }
        match self.submit(settings, mail, recipient).await {
            Ok(()) => outbox.delete(mail).await,
            Err(text) => {
                log(format_args!("mail {}: {text}", mail.id));
                Ok(())
            }
        }
    }

    async fn submit(&self, settings: &Mail, mail: &Queued, recipient: &str) -> Result<(), String> {
        let kind = Kind::parse(&mail.kind).ok_or("is of no known kind")?;
        let language = Language::parse(&mail.language);
        let shown = mail.challenge_id.as_deref().and_then(ChallengeId::parse);
        let shown = challenge_of(kind).zip(shown);
        let keys = &self.config.challenge_keys;
        let link = shown.as_ref().and_then(|(kind, id)| {
            let (url, name) = (&settings.link_url, kind.name());
            let token = keys.link_token(*kind, id)?;
            Some(format!("{url}?kind={name}&id={id}&token={token}"))
        });
        let code = shown.as_ref().and_then(|(kind, id)| keys.code(*kind, id));
        let code = code.filter(|_| kind.placeholders().contains(&Placeholder::Code));
        let letter = Letter {
            kind,
            site: &settings.site,
            link: link.as_deref(),
            code: code.as_ref().map(challenge::Code::as_str),
            lifetime: shown.as_ref().map(|(kind, _)| kind.life()),
            at: mail.created_at,
            browser: Browser::parse(&mail.browser),
            codes_left: mail.detail.as_deref().and_then(|left| left.parse().ok()),
        };
        let message = letter.write(language);
        let message = message.map_err(|missing| format!("has no {}", missing.0.name()))?;
        let to = Email::parse(recipient).ok();
        let to = to.as_ref().and_then(Address::of);
        let to = to.ok_or("has an address that no mail goes to")?;
        let submission = Submission {
            to: &to,
            from: &settings.from,
            message: &message,
            kind,
            language,
            idempotency_key: &mail.id,
        };
        let sent = self.mailer.send(&settings.transports, &submission).await;
        sent.map_err(|not_sent| not_sent.to_string())
    }

    /// Notes in the audit trail that a mail was not sent.
    async fn tell(&self, mail: &Queued) -> Result<(), StoreError> {
        let event = Event {
            action: Action::MailFailed,
            user_id: mail.user_id,
            actor_id: None,
            detail: Some(mail.kind.clone()),
        };
        let origin = Origin {
            address: "",
            user_agent: None,
            now: clock::now(),
        };
        Audit(self.database).append(&[event], origin).await
    }
}

/// The kind of challenge that a mail of that kind carries.
fn challenge_of(kind: Kind) -> Option<challenge::Kind> {
    match kind {
        Kind::Verification | Kind::VerificationCode => Some(challenge::Kind::Verification),
        Kind::Reset => Some(challenge::Kind::Reset),
        Kind::SignIn => Some(challenge::Kind::SignIn),
        Kind::EmailChange => Some(challenge::Kind::EmailChange),
        Kind::EmailChanged => Some(challenge::Kind::EmailRevert),
        Kind::Invitation => Some(challenge::Kind::Invitation),
        _ => None,
    }
}
