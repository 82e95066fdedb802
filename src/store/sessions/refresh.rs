//! Refresh tokens: spending one, and knowing one that was spent.

use super::Sessions;
use crate::store::attempts::Attempts;
use crate::store::{Row, StoreError, length, millis};
use edge_auth_core::account::{Role, UserId};
use edge_auth_core::proof::{Amr, Proof};
use edge_auth_core::session::{Lifetimes, RefreshToken};
use edge_auth_core::sign_in::SignedIn;
use edge_auth_core::throttle::AddressHash;
use edge_auth_core::time::{UnixMillis, UnixSeconds};

/// What a refresh token is exchanged for.
#[derive(Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// An access token for this user, and the refresh token of this number.
    Next {
        /// The user, and when and by what they last showed who they are.
        signed_in: SignedIn,
        /// The user's role.
        role: Role,
        /// The number of the refresh token that is not spent.
        generation: u32,
        /// Whether the client's address has long been familiar to the account.
        is_familiar: bool,
    },
    /// Nothing: the session is over.
    Revoked,
    /// Nothing: the token was spent long ago, which has ended this user's session.
    Reused(UserId),
}

/// Whether the token of number ?2 is still exchanged at ?3 although it is spent: for 10 s, since two
/// tabs may refresh at once, and for 120 s while nobody has used its successor, since the answer may
/// have been lost (docs/api.md, "Sessions").
macro_rules! spent_just_now {
    () => {
        "CAST(substr(spent, 13 * (generation - 1 - ?2) + 1, 13) AS INTEGER) \
           > ?3 - CASE WHEN generation = ?2 + 1 THEN 120000 ELSE 10000 END"
    };
}

/// The token of number ?2 is spent, or was just now, or long ago, which ends the session. A number
/// that is not yet due comes of a database that was restored. Says as well whether the address of
/// hash ?6 is familiar to the account until ?7.
const REFRESH: &str = concat!(
    "UPDATE sessions SET \
       revoked = generation > ?2 AND NOT ",
    spent_just_now!(),
    ", spent = CASE WHEN generation = ?2 THEN substr(printf('%013d', ?3) || spent, 1, 208) \
         WHEN generation < ?2 THEN printf('%013d', ?3) ELSE spent END, \
       generation = max(generation, ?2 + 1), \
       last_used_at = ?3 \
     WHERE id = ?1 AND revoked = 0 AND created_at > ?3 - ?4 AND last_used_at > ?3 - ?5 \
       AND epoch = (SELECT epoch FROM users WHERE users.id = user_id AND disabled = 0) \
     RETURNING revoked, generation, user_id, \
       (SELECT role FROM users WHERE users.id = user_id), epoch, \
       EXISTS (SELECT 1 FROM attempts WHERE key = 'user ' || user_id || ' ' || ?6 \
         AND familiar_until >= ?7), auth_time, amr"
);

impl Sessions<'_> {
    /// Spends `token`, sent from `address`.
    ///
    /// # Errors
    /// The database failed. Whether or not the token was spent, it is good for two minutes more.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        address: &AddressHash,
        lifetimes: Lifetimes,
        now: UnixMillis,
    ) -> Result<Refreshed, StoreError> {
        let values = [
            token.session.as_str().into(),
            token.generation.into(),
            millis(now),
            length(lifetimes.absolute),
            length(lifetimes.idle),
            address.as_str().into(),
            Attempts::familiar_enough(now),
        ];
        let Some(row) = self.0.first(REFRESH, &values).await? else {
            return Ok(Refreshed::Revoked);
        };
        let user_id = row.user_id(2)?;
        if row.integer(0)? != 0 {
            return Ok(Refreshed::Reused(user_id));
        }
        let epoch = row.unsigned(4)?.unwrap_or_default();
        let proof = Proof {
            auth_time: row.seconds(6)?.unwrap_or(UnixSeconds(0)),
            amr: Amr::stored(row.required_text(7)?),
        };
        Ok(Refreshed::Next {
            signed_in: SignedIn::resumed(user_id, epoch, proof),
            generation: u32::try_from(row.integer(1)?).map_err(|_| Row::unexpected(1))?,
            role: row.role(3)?,
            is_familiar: row.integer(5)? != 0,
        })
    }
}
