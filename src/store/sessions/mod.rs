//! The table `sessions`.

mod own;
mod pages;
mod refresh;

use wasm_bindgen::JsValue;

use super::{Database, Statement, StoreError, id_number, millis, number, or_null, seconds};
use edge_auth_core::account::UserId;
use edge_auth_core::proof::{Amr, Proof};
use edge_auth_core::session::{Lifetimes, SessionId};
use edge_auth_core::sign_in::SignedIn;
use edge_auth_core::time::UnixMillis;

pub use own::Session;
pub use pages::Visitor;
pub use refresh::Refreshed;

/// A session to be opened.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Its identifier.
    pub id: &'a SessionId,
    /// The header `User-Agent` of the request that opens it.
    pub user_agent: Option<&'a str>,
    /// The most sessions that its user may have; the oldest ones go.
    pub limit: u32,
    /// How long sessions live: those that are over do not count.
    pub lifetimes: Lifetimes,
    /// The time.
    pub now: UnixMillis,
}

/// The sessions in a D1 database.
#[derive(Debug)]
pub struct Sessions<'a>(pub &'a Database);

/// Whether a session of the account `users` is not over: `$created` and `$used` are the earliest
/// times at which it began and was last used.
macro_rules! is_open {
    ($created:literal, $used:literal) => {
        concat!(
            "sessions.user_id = users.id AND sessions.epoch = users.epoch AND revoked = 0 \
             AND sessions.created_at > ",
            $created,
            " AND last_used_at > ",
            $used
        )
    };
}
pub(super) use is_open;

/// Only while the account is as it was when the password was looked at: one that is changed
/// meanwhile ends this session too.
const OPEN: &str = "INSERT INTO sessions \
    (id, user_id, epoch, created_at, last_used_at, user_agent, auth_time, amr) \
    SELECT ?1, id, epoch, ?3, ?3, ?4, ?6, ?7 FROM users \
    WHERE id = ?2 AND epoch = ?5 AND disabled = 0 RETURNING 1";

/// Those that are over, and those of which the account has too many; never ?3. ?4 and ?5 are the
/// earliest times at which one that is not over began and was last used.
const TRIM: &str = concat!(
    "DELETE FROM sessions WHERE user_id = ?1 AND id <> ?3 AND id NOT IN \
      (SELECT sessions.id FROM users JOIN sessions ON ",
    is_open!("?4", "?5"),
    " WHERE users.id = ?1 AND sessions.id <> ?3 \
      ORDER BY sessions.created_at DESC LIMIT ?2 - 1)"
);

const OPEN_FIRST: &str = "INSERT INTO sessions \
    (id, user_id, epoch, created_at, last_used_at, user_agent, auth_time, amr) \
    SELECT ?1, id, epoch, ?3, ?3, ?4, ?6, ?7 FROM users WHERE email = ?2 AND password_hash = ?5";

/// The session ?1, in the place of which ?2 was opened.
const CLOSE_REPLACED: &str = "DELETE FROM sessions WHERE id = ?1 AND id <> ?2 \
    AND EXISTS (SELECT 1 FROM sessions WHERE id = ?2)";

/// The session ?2 goes on although its account ?1 has been given the password ?3 by the statement
/// before. That changed one row: where several take a password away at once, one does.
const KEEP: &str = "UPDATE sessions SET epoch = epoch + 1 WHERE id = ?2 AND user_id = ?1 \
    AND changes() = 1 AND EXISTS (SELECT 1 FROM users WHERE users.id = ?1 AND password_hash IS ?3 \
      AND users.epoch = sessions.epoch + 1)";

/// The same after the statement before has counted the epoch of account ?1 up: the session ?2 goes on with
/// the `amr` ?3.
const KEEP_WITH: &str = "UPDATE sessions SET epoch = epoch + 1, amr = ?3 WHERE id = ?2 AND user_id = ?1 \
    AND changes() = 1 AND EXISTS (SELECT 1 FROM users WHERE users.id = ?1 \
      AND users.epoch = sessions.epoch + 1)";

impl Sessions<'_> {
    /// Opens a session; false where the account has changed since whoever signs in was asked.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open(
        &self,
        signed_in: &SignedIn,
        new: &NewSession<'_>,
    ) -> Result<bool, StoreError> {
        self.open_for(signed_in, new, None).await
    }

    /// The same in the place of the session `replaced`, if there is one, which then ends.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open_for(
        &self,
        signed_in: &SignedIn,
        new: &NewSession<'_>,
        replaced: Option<&SessionId>,
    ) -> Result<bool, StoreError> {
        let (user, proof) = (signed_in.user_id(), signed_in.proof());
        let values = vec![
            new.id.as_str().into(),
            id_number(user),
            millis(new.now),
            or_null(new.user_agent),
            number(signed_in.epoch()),
            seconds(proof.auth_time),
            proof.amr.as_str().into(),
        ];
        let [created, used] = earliest(new.lifetimes, new.now);
        let mut statements = vec![Statement(OPEN, values)];
        if let Some(replaced) = replaced {
            let values = vec![replaced.as_str().into(), new.id.as_str().into()];
            statements.push(Statement(CLOSE_REPLACED, values));
        }
        statements.push(Statement(
            TRIM,
            vec![
                id_number(user),
                new.limit.into(),
                new.id.as_str().into(),
                created,
                used,
            ],
        ));
        Ok(self.0.batch(&statements).await?.is_some())
    }

    /// The statement that opens the first session of an account, to be run after it was made with
    /// that e-mail address and stored password.
    pub(super) fn opened_first(
        email: JsValue,
        password_hash: &str,
        proof: &Proof,
        new: &NewSession<'_>,
    ) -> Statement {
        let values = vec![
            new.id.as_str().into(),
            email,
            millis(new.now),
            or_null(new.user_agent),
            password_hash.into(),
            seconds(proof.auth_time),
            proof.amr.as_str().into(),
        ];
        Statement(OPEN_FIRST, values)
    }

    /// The statement by which a session outlives the new password of its account, to be run right after
    /// that was stored.
    pub(super) fn kept(
        user: UserId,
        session: Option<&SessionId>,
        password_hash: Option<&str>,
    ) -> Statement {
        let session = or_null(session.map(SessionId::as_str));
        Statement(KEEP, vec![id_number(user), session, or_null(password_hash)])
    }

    /// The statement by which a session outlives that its account's epoch was counted up, to be run right
    /// after that. It was shown by `amr` who its user is.
    pub(super) fn kept_with(user: UserId, session: &SessionId, amr: &Amr) -> Statement {
        let values = vec![
            id_number(user),
            session.as_str().into(),
            amr.as_str().into(),
        ];
        Statement(KEEP_WITH, values)
    }
}

/// The earliest times at which a session that is not over began and was last used.
pub(super) fn earliest(lifetimes: Lifetimes, now: UnixMillis) -> [JsValue; 2] {
    [lifetimes.absolute, lifetimes.idle].map(|life| millis(now.minus(life)))
}
