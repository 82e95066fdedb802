//! The table `outbox`: mail that is still to be sent. A row is written in the transaction of what it
//! tells of. Whoever wrote it sends it after the answer; where that does not come to pass the cron
//! trigger does, with growing pauses, until it expires (docs/mail.md, "Sending").

use wasm_bindgen::JsValue;

use super::recovery_codes::given_after;
use super::{
    Authority, Database, Row, Statement, StoreError, caller_may, id_number, millis, or_null,
};
use edge_auth_core::account::UserId;
use edge_auth_core::mail;
use edge_auth_core::time::{Milliseconds, Seconds, UnixMillis};

/// How long a row is left to the request that wrote it: longer than its transports take to give up.
const OWN_TIME: Milliseconds = Seconds(60).milliseconds();

/// How long a notice is worth sending.
const NOTICE_LIFE: Milliseconds = Seconds(24 * 60 * 60).milliseconds();

/// A mail that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// When it is taken next: with the id its key.
    due_at: UnixMillis,
    /// Its identifier, by which a provider knows it again.
    pub id: String,
    /// The name of its text.
    pub kind: String,
    /// Whose account it is about.
    pub user_id: Option<UserId>,
    /// Whose link and code it carries.
    pub challenge_id: Option<String>,
    /// Nobody, where an address has no account: then there is nothing to send.
    pub recipient: Option<String>,
    /// The language of its text.
    pub language: String,
    /// When what it tells of was done.
    pub created_at: UnixMillis,
    /// From when it is not sent any more.
    pub expires_at: UnixMillis,
    /// The browser that did it.
    pub browser: String,
    /// What else the text says.
    pub detail: Option<String>,
    /// Whether the link or code that it carries was not used up, nor its account deleted. It may have
    /// expired.
    pub is_good: bool,
}

/// Something that an account's owner is told by mail.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// Random; 22 characters.
    pub id: &'a str,
    /// What it tells of.
    pub kind: mail::Kind,
    /// The browser that did it.
    pub browser: &'a str,
    /// The time.
    pub now: UnixMillis,
}

/// The outbox in a D1 database.
#[derive(Debug)]
pub struct Outbox<'a>(pub &'a Database);

macro_rules! columns {
    () => {
        "due_at, id, kind, user_id, challenge_id, recipient, language, created_at, expires_at, \
         browser, detail"
    };
}
pub(super) use columns as outbox_columns;

/// Only whoever reads mail to the address is told. `$condition` is what must have come to pass.
macro_rules! notice {
    ($condition:expr) => {
        notice!($condition, "NULL")
    };
    ($condition:expr, $detail:literal) => {
        concat!(
            "INSERT INTO outbox (",
            outbox_columns!(),
            ") SELECT ?2, ?3, ?4, id, NULL, email, language, ?5, ?6, ?7, ",
            $detail,
            " FROM users \
             WHERE id = ?1 AND email IS NOT NULL AND email_verified_at IS NOT NULL AND ",
            $condition,
            " RETURNING ",
            outbox_columns!()
        )
    };
}

const NOTICE: &str = notice!("disabled = 0");

/// Of a password ?8 that was stored before, in the same transaction; null where it was taken away.
const NOTICE_OF_PASSWORD: &str = notice!("password_hash IS ?8");

/// Of what the caller ?8 has changed a statement before, in the same transaction.
const NOTICE_BY_CALLER: &str = notice!(caller_may!("?8"));

/// Of what the statement before has done to one row.
const NOTICE_RIGHT_AFTER: &str = notice!("changes() = 1");

/// Of what has given the recovery code of the hash ?8, in the same transaction.
const NOTICE_OF_RECOVERY_CODES: &str = notice!(given_after!("?8"));

/// Of a recovery code that the statement before has used up.
const NOTICE_OF_RECOVERY_CODE: &str = notice!(
    "changes() = 1",
    "(SELECT CAST(count(*) AS TEXT) FROM recovery_codes WHERE user_id = ?1)"
);

/// Takes what is due; the pauses are a minute, then two, four and up to an hour.
const TAKE: &str = concat!(
    "UPDATE outbox SET due_at = ?1 + 60000 * min(60, 1 << min(tries, 6)), tries = tries + 1 \
     WHERE (due_at, id) IN \
       (SELECT due_at, id FROM outbox WHERE due_at <= ?1 ORDER BY due_at LIMIT 1) RETURNING ",
    outbox_columns!(),
    ", challenge_id IS NULL OR NOT EXISTS (SELECT 1 FROM challenges \
       WHERE challenges.id = challenge_id AND (spent_by IS NOT NULL OR challenges.user_id IS NULL))"
);

const DELETE: &str = "DELETE FROM outbox WHERE due_at = ?1 AND id = ?2";

/// A row of the columns, of a statement that has just written it.
pub(super) fn queued(row: &Row) -> Result<Queued, StoreError> {
    Ok(Queued {
        due_at: row.millis(0)?.ok_or_else(|| Row::unexpected(0))?,
        id: row.required_text(1)?,
        kind: row.required_text(2)?,
        user_id: if row.is_null(3) {
            None
        } else {
            Some(row.user_id(3)?)
        },
        challenge_id: row.text(4),
        recipient: row.text(5),
        language: row.required_text(6)?,
        created_at: row.millis(7)?.ok_or_else(|| Row::unexpected(7))?,
        expires_at: row.millis(8)?.ok_or_else(|| Row::unexpected(8))?,
        browser: row.required_text(9)?,
        detail: row.text(10),
        is_good: true,
    })
}

/// When a row that is written `now` is taken by the trigger.
pub(super) fn due_at(now: UnixMillis) -> JsValue {
    millis(now.plus(OWN_TIME))
}

impl Notice<'_> {
    fn values(&self, user: UserId) -> Vec<JsValue> {
        vec![
            id_number(user),
            due_at(self.now),
            self.id.into(),
            self.kind.name().into(),
            millis(self.now),
            millis(self.now.plus(NOTICE_LIFE)),
            self.browser.into(),
        ]
    }

    /// The statement that tells `user`, if the address is proven.
    pub(super) fn statement(&self, user: UserId) -> Statement {
        Statement(NOTICE, self.values(user))
    }

    /// The statement that tells of a new password, to be run after it was stored.
    pub(super) fn of_password(&self, user: UserId, password_hash: Option<&str>) -> Statement {
        let mut values = self.values(user);
        values.push(or_null(password_hash));
        Statement(NOTICE_OF_PASSWORD, values)
    }

    /// The statement that tells of what the caller changes in the same transaction.
    pub(super) fn by_caller(&self, user: UserId, authority: &Authority<'_>) -> Statement {
        let mut values = self.values(user);
        values.push(authority.value());
        Statement(NOTICE_BY_CALLER, values)
    }

    /// The statement that tells of what was done, to be run right after the statement that does it to one
    /// row.
    pub(super) fn right_after(&self, user: UserId) -> Statement {
        Statement(NOTICE_RIGHT_AFTER, self.values(user))
    }

    /// The statement that tells of what comes with recovery codes, to be run after they were given. The
    /// hash is that of one of them.
    pub(super) fn of_recovery_codes(&self, user: UserId, code_hash: &str) -> Statement {
        let mut values = self.values(user);
        values.push(code_hash.into());
        Statement(NOTICE_OF_RECOVERY_CODES, values)
    }

    /// The statement that tells of a recovery code, to be run right after one that changed a row
    /// because the code was right.
    pub(super) fn of_recovery_code(&self, user: UserId) -> Statement {
        Statement(NOTICE_OF_RECOVERY_CODE, self.values(user))
    }
}

impl Outbox<'_> {
    /// Writes a notice for the owner of `user`; none where the address is not proven.
    ///
    /// # Errors
    /// The database failed.
    pub async fn notice(
        &self,
        user: UserId,
        notice: &Notice<'_>,
    ) -> Result<Option<Queued>, StoreError> {
        let row = self.0.first(NOTICE, &notice.values(user)).await?;
        row.as_ref().map(queued).transpose()
    }

    /// Takes what is due first, if anything is at `now`. Nobody else takes it before its pause has passed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take(&self, now: UnixMillis) -> Result<Option<Queued>, StoreError> {
        let Some(row) = self.0.first(TAKE, &[millis(now)]).await? else {
            return Ok(None);
        };
        Ok(Some(Queued {
            is_good: row.integer(11)? != 0,
            ..queued(&row)?
        }))
    }

    /// Deletes what was sent, or is not to be.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete(&self, mail: &Queued) -> Result<(), StoreError> {
        let values = [millis(mail.due_at), mail.id.as_str().into()];
        self.0.first(DELETE, &values).await?;
        Ok(())
    }
}
