//! The table `challenges`: what was sent to an address to be shown (docs/mail.md, "Challenges").

mod ask;
mod spend;

use wasm_bindgen::JsValue;

use super::users::{Account, COLUMNS, account, columns};
use super::{Database, Row, Statement, StoreError, id_number, millis, or_null};
use edge_auth_core::account::UserId;
use edge_auth_core::challenge::{ChallengeId, Kind};
use edge_auth_core::time::UnixMillis;

pub use ask::{AskedBy, NewChallenge};
pub(super) use spend::voided_by_password;
pub use spend::{Former, NewPasswordOf, Spend, SpendError};

/// The challenges in a D1 database.
#[derive(Debug)]
pub struct Challenges<'a>(pub &'a Database);

/// A challenge that is neither used up nor expired, and its account, which may use it.
#[derive(Debug)]
pub struct Open {
    /// The account, as it is now.
    pub account: Account,
    /// What the address becomes, of kinds that change it.
    pub new_email: Option<String>,
    /// When it was asked for.
    pub asked_at: UnixMillis,
    /// The browser that asked.
    pub browser: String,
    /// The digest of its link, where an operator made it.
    pub link_digest: Option<String>,
}

/// ?1 id, ?2 kind, ?3 now. It is void once the account's address is another than it was sent to; a
/// link that takes a change of address back is sent to what it was before.
const LOOK: &str = concat!(
    "SELECT ",
    columns!(),
    ", new_email, asked_at, browser, link_digest FROM users JOIN \
     (SELECT user_id, email AS asked_for, new_email, created_at AS asked_at, browser, link_digest, kind \
      FROM challenges WHERE challenges.id = ?1 AND kind = ?2 AND spent_by IS NULL AND expires_at > ?3) \
     ON users.id = user_id WHERE disabled = 0 AND (kind = 'email_revert' OR email IS asked_for)"
);

/// Counts a try before the code is compared: of fifty at once five are. ?4 is the account that types it
/// with its own access token, which the ten of a day do not bind.
const TRY: &str = "UPDATE challenges SET tries = tries + 1 \
    WHERE id = ?1 AND kind = ?2 AND spent_by IS NULL AND expires_at > ?3 AND tries < 5 \
      AND (user_id = ?4 OR (SELECT sum(other.tries) FROM challenges AS other \
        WHERE other.recipient_hash = challenges.recipient_hash AND other.kind = ?2 \
          AND other.created_at > ?3 - 86400000) < 10) \
    RETURNING 1";

/// The code was right, and is not used up yet.
const TAKE_BACK: &str = "UPDATE challenges SET tries = tries - 1 WHERE id = ?1 AND tries > 0";

impl Challenges<'_> {
    /// The challenge of that id and kind, if it is good at `now`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn look(
        &self,
        kind: Kind,
        id: &ChallengeId,
        now: UnixMillis,
    ) -> Result<Option<Open>, StoreError> {
        let row = self.0.first(LOOK, &looked_at(kind, id, now)).await?;
        row.as_ref().map(open).transpose()
    }

    /// The same for a code, of which one more try is counted; `None` as well where there are no more.
    /// `typed_by` has shown an access token of its account.
    ///
    /// # Errors
    /// The database failed.
    pub async fn try_code(
        &self,
        kind: Kind,
        id: &ChallengeId,
        typed_by: Option<UserId>,
        now: UnixMillis,
    ) -> Result<Option<Open>, StoreError> {
        let mut values = looked_at(kind, id, now);
        let look = Statement(LOOK, values.clone());
        values.push(or_null(typed_by.map(id_number)));
        let answers = self.0.batch_all(&[Statement(TRY, values), look]).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        answers.rows(1)?.first().map(open).transpose()
    }

    /// Takes a try back that was right, and used nothing up.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_try_back(&self, id: &ChallengeId) -> Result<(), StoreError> {
        self.0.first(TAKE_BACK, &[id.as_str().into()]).await?;
        Ok(())
    }
}

fn looked_at(kind: Kind, id: &ChallengeId, now: UnixMillis) -> Vec<JsValue> {
    vec![id.as_str().into(), kind.name().into(), millis(now)]
}

fn open(row: &Row) -> Result<Open, StoreError> {
    Ok(Open {
        account: account(row)?,
        new_email: row.text(COLUMNS),
        asked_at: row.millis(COLUMNS + 1)?.ok_or_else(Row::missing)?,
        browser: row.required_text(COLUMNS + 2)?,
        link_digest: row.text(COLUMNS + 3),
    })
}
