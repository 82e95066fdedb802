//! The table `sessions`.

use wasm_bindgen::JsValue;

use super::attempts::Attempts;
use super::users::{Account, COLUMNS, account, columns};
use super::{
    Authority, Database, Row, Statement, StoreError, caller_may, id_number, length, millis, number,
    or_null, seconds, tickets,
};
use edge_auth_core::account::{Role, UserId};
use edge_auth_core::proof::{Amr, Proof};
use edge_auth_core::session::{Lifetimes, RefreshToken, SessionId};
use edge_auth_core::sign_in::SignedIn;
use edge_auth_core::throttle::AddressHash;
use edge_auth_core::time::{UnixMillis, UnixSeconds};

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

/// A session as its user sees it.
#[derive(Debug)]
pub struct Session {
    /// Its identifier.
    pub id: String,
    /// When it was opened, UTC, as in `2024-01-15T10:30:00`.
    pub created_at: String,
    /// When it was last refreshed, in the same form.
    pub last_used_at: String,
    /// The same as a point in time.
    pub last_used: UnixMillis,
    /// What opened it, by its own words.
    pub user_agent: Option<String>,
}

/// Whose session a page's cookie names.
#[derive(Debug)]
pub struct Visitor {
    /// The account, which is not disabled.
    pub account: Account,
    /// When and by what its owner last showed who they are.
    pub proof: Proof,
    /// When the session was opened.
    pub created_at: UnixMillis,
    /// When it was last written down that it is in use.
    pub last_used_at: UnixMillis,
}

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

const VISITOR: &str = concat!(
    "SELECT ",
    columns!(),
    ", auth_time, amr, opened_at, used_at FROM \
       (SELECT user_id AS holder, auth_time, amr, created_at AS opened_at, last_used_at AS used_at \
         FROM sessions WHERE sessions.id = ?1) \
     JOIN users ON users.id = holder \
     WHERE disabled = 0 AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ?1 AND ",
    is_open!("?2", "?3"),
    ")"
);

/// Two visits at once write it down once.
const VISITED: &str = "UPDATE sessions SET last_used_at = ?3 WHERE id = ?1 AND last_used_at = ?2";

/// The session ?1, in the place of which ?2 was opened.
const CLOSE_REPLACED: &str = "DELETE FROM sessions WHERE id = ?1 AND id <> ?2 \
    AND EXISTS (SELECT 1 FROM sessions WHERE id = ?2)";

const LIST: &str = concat!(
    "SELECT sessions.id, \
       strftime('%Y-%m-%dT%H:%M:%S', sessions.created_at / 1000, 'unixepoch'), \
       strftime('%Y-%m-%dT%H:%M:%S', last_used_at / 1000, 'unixepoch'), user_agent, last_used_at \
     FROM users JOIN sessions ON ",
    is_open!("?2", "?3"),
    " WHERE users.id = ?1 ORDER BY sessions.created_at"
);

const CLOSE: &str = "DELETE FROM sessions WHERE id = ?1 RETURNING user_id";

const CLOSE_OF_USER: &str = concat!(
    "DELETE FROM sessions WHERE id = ?1 AND user_id = ?2 AND revoked = 0 \
     AND epoch = (SELECT epoch FROM users WHERE users.id = ?2) AND ",
    caller_may!("?3"),
    " RETURNING 1"
);

/// The session ?1 of the caller ?2 has been shown anew who it is.
const PROVE_AGAIN: &str = concat!(
    "UPDATE sessions SET auth_time = ?3, amr = ?4 WHERE id = ?1 AND ",
    caller_may!("?2"),
    " RETURNING 1"
);

const MAY_CLOSE: &str = concat!("SELECT 1 WHERE ", caller_may!("?1"));

const CLOSE_OTHERS: &str = concat!(
    "DELETE FROM sessions WHERE user_id = ?1 AND id IS NOT ?2 AND ",
    caller_may!("?3")
);

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

    /// Whose session `id` is, if it is not over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn visitor(
        &self,
        id: &SessionId,
        lifetimes: Lifetimes,
        now: UnixMillis,
    ) -> Result<Option<Visitor>, StoreError> {
        let [created, used] = earliest(lifetimes, now);
        let values = [id.as_str().into(), created, used];
        let Some(row) = self.0.first(VISITOR, &values).await? else {
            return Ok(None);
        };
        let time = |column| row.millis(column).map(|time| time.unwrap_or(UnixMillis(0)));
        Ok(Some(Visitor {
            account: account(&row)?,
            proof: Proof {
                auth_time: row.seconds(COLUMNS)?.unwrap_or(UnixSeconds(0)),
                amr: Amr::stored(row.required_text(COLUMNS + 1)?),
            },
            created_at: time(COLUMNS + 2)?,
            last_used_at: time(COLUMNS + 3)?,
        }))
    }

    /// Writes down that the session `id` is in use at `now`, unless it was since `before`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn visited(
        &self,
        id: &SessionId,
        before: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let values = [id.as_str().into(), millis(before), millis(now)];
        self.0.first(VISITED, &values).await?;
        Ok(())
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

    /// Takes note that the caller has shown anew who they are; false where the session is over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prove_again(
        &self,
        proof: &Proof,
        authority: &Authority<'_>,
    ) -> Result<bool, StoreError> {
        let values = [
            or_null(authority.session.map(SessionId::as_str)),
            authority.value(),
            seconds(proof.auth_time),
            proof.amr.as_str().into(),
        ];
        Ok(self.0.first(PROVE_AGAIN, &values).await?.is_some())
    }

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

    /// The sessions of `user` that are not over, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(
        &self,
        user: UserId,
        lifetimes: Lifetimes,
        now: UnixMillis,
    ) -> Result<Vec<Session>, StoreError> {
        let [created, used] = earliest(lifetimes, now);
        let values = [id_number(user), created, used];
        let rows = self.0.all(LIST, &values).await?;
        let session = |row: Row| {
            Ok(Session {
                id: row.required_text(0)?,
                created_at: row.required_text(1)?,
                last_used_at: row.required_text(2)?,
                user_agent: row.text(3),
                last_used: row.millis(4)?.unwrap_or(UnixMillis(0)),
            })
        };
        rows.into_iter().map(session).collect()
    }

    /// Ends a session, if there is one of that identifier; whose it was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close(&self, id: &SessionId) -> Result<Option<UserId>, StoreError> {
        let row = self.0.first(CLOSE, &[id.as_str().into()]).await?;
        row.map(|row| row.user_id(0)).transpose()
    }

    /// Ends a session of the caller's; false where there is none of that identifier, or the caller
    /// may no longer end any.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close_of_caller(
        &self,
        id: &str,
        authority: &Authority<'_>,
    ) -> Result<bool, StoreError> {
        let values = vec![id.into(), id_number(authority.user_id), authority.value()];
        let statements = [
            Statement(CLOSE_OF_USER, values),
            tickets::voided(authority.user_id, authority),
        ];
        Ok(self.0.batch(&statements).await?.is_some())
    }

    /// Ends the sessions of the caller but the one that asks; false where the caller may not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close_others(&self, authority: &Authority<'_>) -> Result<bool, StoreError> {
        let session = or_null(authority.session.map(SessionId::as_str));
        let values = vec![id_number(authority.user_id), session, authority.value()];
        let statements = [
            Statement(MAY_CLOSE, vec![authority.value()]),
            Statement(CLOSE_OTHERS, values),
            tickets::voided(authority.user_id, authority),
        ];
        Ok(self.0.batch(&statements).await?.is_some())
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
