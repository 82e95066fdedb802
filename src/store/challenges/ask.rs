//! Asking for a challenge, within the limits: three in a quarter of an hour and ten a day of one kind
//! for one address, and ten a day for one account (docs/mail.md, "Limits").

use wasm_bindgen::JsValue;

use super::Challenges;
use crate::store::outbox::{Queued, due_at, outbox_columns, queued};
use crate::store::{Authority, Statement, StoreError, caller_may, id_number, millis, or_null};
use edge_auth_core::account::UserId;
use edge_auth_core::challenge::{ChallengeId, Kind};
use edge_auth_core::mail;
use edge_auth_core::time::UnixMillis;

/// A challenge to be made.
#[derive(Debug)]
pub struct NewChallenge<'a> {
    /// Its identifier, and that of its mail.
    pub id: &'a ChallengeId,
    /// What it is for.
    pub kind: Kind,
    /// The keyed hash of the address that it is sent to.
    pub recipient_hash: &'a str,
    /// The mail that carries it.
    pub mail: mail::Kind,
    /// What the account's address becomes, of kinds that change it.
    pub new_email: Option<&'a str>,
    /// The browser that asks.
    pub browser: &'a str,
    /// The language of a mail to an address without an account.
    pub language: &'a str,
    /// The time.
    pub now: UnixMillis,
}

/// Who asks for a challenge, and so which account it is for.
#[derive(Debug, Clone, Copy)]
pub enum AskedBy<'a> {
    /// Anybody who names an address: its account, if there is one that may sign in.
    Anybody(&'a str),
    /// The account's owner.
    Owner(&'a Authority<'a>),
    /// An administrator, for that account.
    Administrator(UserId, &'a Authority<'a>),
    /// Whoever has just shown a factor of the account.
    FirstFactor(UserId),
}

/// The rows of the last ?6 milliseconds that count against a new one.
macro_rules! limits {
    () => {
        "(SELECT count(*) FROM challenges WHERE recipient_hash = ?3 AND kind = ?2 \
           AND created_at > ?5 - 900000) < 3 \
         AND (SELECT count(*) FROM challenges WHERE recipient_hash = ?3 AND kind = ?2 \
           AND created_at > ?5 - 86400000) < 10"
    };
}

macro_rules! ask {
    ($rest:expr) => {
        concat!(
            "INSERT INTO challenges \
               (id, kind, recipient_hash, user_id, email, new_email, created_at, expires_at, browser) \
             SELECT ?1, ?2, ?3, users.id, users.email, ?4, ?5, ?6, ?7 FROM ",
            $rest,
            " AND ",
            limits!(),
            " RETURNING 1"
        )
    };
}

/// An address without an account has a row as well: what is written says nothing.
const ASKED_BY_ANYBODY: &str =
    ask!("(SELECT 1) LEFT JOIN users ON users.email = ?8 AND disabled = 0 WHERE 1");

const ASKED_BY_OWNER: &str = ask!(concat!(
    "users WHERE users.id = ?8 AND ",
    caller_may!("?9"),
    " AND (SELECT count(*) FROM challenges WHERE user_id = ?8 AND kind = ?2 \
       AND created_at > ?5 - 86400000) < 10"
));

const ASKED_BY_ADMINISTRATOR: &str = ask!(concat!(
    "users WHERE users.id = ?8 AND disabled = 0 AND ",
    caller_may!("?9")
));

const ASKED_BY_FIRST_FACTOR: &str = ask!("users WHERE users.id = ?8 AND disabled = 0");

/// Of an account that was made a statement before, with address ?8 and password ?9.
const ASKED_BY_REGISTRATION: &str = ask!("users WHERE users.email = ?8 AND password_hash = ?9");

/// Of an account that was made a statement before, without a password, by ?9.
const ASKED_BY_INVITATION: &str = ask!(concat!(
    "users WHERE users.email = ?8 AND password_hash IS NULL AND email_verified_at IS NULL AND ",
    caller_may!("?9")
));

/// The mail of challenge ?1. Who wants an address that has an account is told there alone.
const MAIL: &str = concat!(
    "INSERT INTO outbox (",
    outbox_columns!(),
    ") SELECT ?2, id, CASE WHEN kind = 'email_change' AND \
         EXISTS (SELECT 1 FROM users WHERE users.email = new_email) \
         THEN 'email_taken' ELSE ?5 END, \
       user_id, id, CASE WHEN user_id IS NOT NULL THEN coalesce(new_email, email) END, \
       coalesce((SELECT language FROM users WHERE users.email = coalesce(new_email, challenges.email)), \
         (SELECT language FROM users WHERE users.id = user_id), ?3), \
       created_at, expires_at, browser, NULL \
     FROM challenges WHERE id = ?1 AND created_at = ?4 RETURNING ",
    outbox_columns!()
);

impl NewChallenge<'_> {
    fn values(&self, rest: impl IntoIterator<Item = JsValue>) -> Vec<JsValue> {
        let mut values = vec![
            self.id.as_str().into(),
            self.kind.name().into(),
            self.recipient_hash.into(),
            or_null(self.new_email),
            millis(self.now),
            millis(self.now.plus(self.kind.life())),
            self.browser.into(),
        ];
        values.extend(rest);
        values
    }

    /// The statement that writes its mail, to be run after it was made.
    fn mail(&self) -> Statement {
        let values = vec![
            self.id.as_str().into(),
            due_at(self.now),
            self.language.into(),
            millis(self.now),
            self.mail.name().into(),
        ];
        Statement(MAIL, values)
    }

    /// The statements that make it for an account of that address, which was made with that stored
    /// password a statement before, and write its mail; the last one's answer has the mail.
    pub(in crate::store) fn of_registration(
        &self,
        email: JsValue,
        password_hash: &str,
    ) -> [Statement; 2] {
        let values = self.values([email, password_hash.into()]);
        [Statement(ASKED_BY_REGISTRATION, values), self.mail()]
    }

    /// The same for an account that an administrator has made.
    pub(in crate::store) fn of_invitation(
        &self,
        email: JsValue,
        authority: &Authority<'_>,
    ) -> [Statement; 2] {
        let values = self.values([email, authority.value()]);
        [Statement(ASKED_BY_INVITATION, values), self.mail()]
    }
}

impl Challenges<'_> {
    /// Makes a challenge and the mail that carries it; `None` beyond the limits, or where who asks may
    /// not.
    ///
    /// # Errors
    /// The database failed, and nothing was made.
    pub async fn ask(
        &self,
        new: &NewChallenge<'_>,
        by: AskedBy<'_>,
    ) -> Result<Option<Queued>, StoreError> {
        let made = match by {
            AskedBy::Anybody(email) => Statement(ASKED_BY_ANYBODY, new.values([email.into()])),
            AskedBy::Owner(authority) => {
                let rest = [id_number(authority.user_id), authority.value()];
                Statement(ASKED_BY_OWNER, new.values(rest))
            }
            AskedBy::Administrator(id, authority) => {
                let rest = [id_number(id), authority.value()];
                Statement(ASKED_BY_ADMINISTRATOR, new.values(rest))
            }
            AskedBy::FirstFactor(id) => {
                Statement(ASKED_BY_FIRST_FACTOR, new.values([id_number(id)]))
            }
        };
        let answers = self.0.batch_all(&[made, new.mail()]).await?;
        answers.rows(1)?.first().map(queued).transpose()
    }
}
