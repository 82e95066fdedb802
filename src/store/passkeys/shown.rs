//! Passkeys that somebody shows.

use super::{Passkeys, answer, answered, truth, user_handle};
use crate::store::outbox::{Notice, Queued, queued};
use crate::store::users::{SIGNING_IN_COLUMNS, SigningIn, columns, signing_in, signing_in_columns};
use crate::store::{Row, Statement, StoreError, id_number, millis, number};
use edge_auth_core::account::UserId;
use edge_auth_core::passkey::{Challenge, CredentialId, StoredPasskey, Verified};
use edge_auth_core::time::UnixMillis;

/// A passkey by which somebody signs in, and whose it is.
#[derive(Debug)]
pub struct Owned {
    /// The account.
    pub owner: SigningIn,
    /// What an assertion is checked by.
    pub passkey: StoredPasskey,
}

/// A passkey that was used as it should.
#[derive(Debug)]
pub struct Used<'a> {
    /// What its authenticator said.
    pub verified: &'a Verified,
    /// Whose it is.
    pub user_id: UserId,
    /// The account's epoch when it was looked up.
    pub epoch: u64,
    /// What it answered, and spends.
    pub challenge: &'a Challenge,
    /// How the account's owner is told of a counter that did not grow, if at all.
    pub notice: Option<Notice<'a>>,
    /// The time.
    pub now: UnixMillis,
}

/// By the passkey ?3 of account ?4, which is as it was when it was looked up.
const ANSWERED_BY_OWNER: &str = answered!(
    "EXISTS (SELECT 1 FROM passkeys JOIN users ON users.id = passkeys.user_id \
       WHERE credential_id = ?3 AND users.id = ?4 AND users.epoch = ?5 AND users.disabled = 0)"
);

const OWNED: &str = concat!(
    "SELECT ",
    signing_in_columns!(),
    ", public_key, sign_count, backup_eligible, user_verified, hex(user_handle) \
     FROM users JOIN (SELECT user_id AS owner_id, public_key, sign_count, backup_eligible, user_verified \
       FROM passkeys WHERE credential_id = ?1) ON users.id = owner_id"
);

/// After the statement that spent the challenge.
const USED: &str = "UPDATE passkeys SET sign_count = ?2, backed_up = ?3, last_used_at = ?4 \
    WHERE credential_id = ?1 AND changes() = 1";

impl Passkeys<'_> {
    /// The passkey of that id, and whose it is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn owned(&self, id: &CredentialId) -> Result<Option<Owned>, StoreError> {
        let row = self.0.first(OWNED, &[id.as_str().into()]).await?;
        let owned = |row: Row| {
            let first = SIGNING_IN_COLUMNS;
            let sign_count = row.unsigned(first + 1)?.map(u32::try_from);
            Ok(Owned {
                owner: signing_in(&row)?,
                passkey: StoredPasskey {
                    credential_id: id.clone(),
                    public_key: row.required_text(first)?,
                    sign_count: match sign_count {
                        Some(Ok(count)) => count,
                        _ => return Err(Row::unexpected(first + 1)),
                    },
                    backup_eligible: row.integer(first + 2)? != 0,
                    user_verified: row.integer(first + 3)? != 0,
                    user_handle: user_handle(&row, first + 4)?,
                },
            })
        };
        row.map(owned).transpose()
    }

    /// Takes note of the use of a passkey, whose challenge it spends; `None` where that was spent
    /// before, or the account is another than it was. Gives the mail that tells of a counter that did
    /// not grow.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn used(&self, used: &Used<'_>) -> Result<Option<Option<Queued>>, StoreError> {
        let notice = used.notice.filter(|_| used.verified.counter_went_back);
        let mut statements = vec![answered_by_owner(used), noted(used.verified, used.now)];
        statements.extend(notice.map(|notice| notice.right_after(used.user_id)));
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let mail = match notice {
            Some(_) => answers.rows(2)?.first().map(queued).transpose()?,
            None => None,
        };
        Ok(Some(mail))
    }
}

/// The statement that spends the challenge of a passkey that was used, and decides whether it counts.
fn answered_by_owner(used: &Used<'_>) -> Statement {
    let mut values = answer(used.challenge);
    values.extend([
        used.verified.credential_id.as_str().into(),
        id_number(used.user_id),
        number(used.epoch),
    ]);
    Statement(ANSWERED_BY_OWNER, values)
}

/// The statement that takes note of the use of a passkey, to be run right after the one that spent its
/// challenge.
pub(in crate::store) fn noted(verified: &Verified, now: UnixMillis) -> Statement {
    let values = vec![
        verified.credential_id.as_str().into(),
        verified.sign_count.into(),
        truth(verified.backed_up),
        millis(now),
    ];
    Statement(USED, values)
}
