//! The table `totp`: secrets of one-time passwords, encrypted. `second_factors` accepts their codes at a
//! sign-in; here they are switched on and off.

use super::outbox::{Notice, Queued, queued};
use super::recovery_codes::{given_after, marker, replaced, useless_deleted};
use super::sessions::Sessions;
use super::{
    Authority, Database, Row, Statement, StoreError, caller_may, id_number, millis, number,
    or_null, seconds, tickets,
};
use edge_auth_core::account::UserId;
use edge_auth_core::proof::Amr;
use edge_auth_core::session::SessionId;
use edge_auth_core::time::UnixMillis;

/// The secrets of one-time passwords in a D1 database.
#[derive(Debug)]
pub struct TotpSecrets<'a>(pub &'a Database);

/// Which second factors of an account are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On {
    /// One-time passwords.
    pub totp: bool,
    /// A passkey that a sign-in by another factor asks for.
    pub passkey: bool,
}

impl On {
    /// Whether the account is signed in by two of its factors.
    #[must_use]
    pub fn any(self) -> bool {
        self.totp || self.passkey
    }
}

/// A new secret whose first code is looked at.
#[derive(Debug)]
pub struct NewSecret {
    /// The secret, encrypted.
    pub sealed: String,
    /// Whether a wrong code is the last one that is looked at.
    pub is_last_try: bool,
    /// By what the caller's session was shown whose it is, if there is one.
    pub amr: Option<Amr>,
}

/// What is switched on.
#[derive(Debug)]
pub struct Activation<'a> {
    /// The new secret, encrypted, as [`NewSecret`] gave it.
    pub sealed: &'a str,
    /// The step of its first code, which is used up by this.
    pub step: u64,
    /// The keyed hashes of the recovery codes that come with it, one at least.
    pub recovery_codes: &'a [String],
    /// The same with the code.
    pub amr: Option<&'a Amr>,
    /// How the account's owner is told, if at all.
    pub notice: Option<Notice<'a>>,
    /// The time.
    pub now: UnixMillis,
}

/// Codes of a new secret that are looked at.
const TRIES: u32 = 5;

const ON: &str = "SELECT \
    EXISTS (SELECT 1 FROM totp WHERE user_id = ?1 AND secret IS NOT NULL), \
    EXISTS (SELECT 1 FROM passkeys WHERE user_id = ?1 AND second_factor = 1)";

/// A secret that is on stays until a code of the new one was right.
const ENROL: &str = concat!(
    "INSERT INTO totp (user_id, new_secret, created_at) SELECT ?1, ?2, ?3 WHERE ",
    caller_may!("?4"),
    " ON CONFLICT (user_id) DO UPDATE SET new_secret = excluded.new_secret, new_tries = 0 RETURNING 1"
);

/// Counts a try before the code is looked at: of fifty at once five are.
const TRY_NEW: &str = concat!(
    "UPDATE totp SET new_tries = new_tries + 1 \
     WHERE user_id = ?1 AND new_secret IS NOT NULL AND new_tries < ?2 AND ",
    caller_may!("?3"),
    " RETURNING new_secret, new_tries, (SELECT amr FROM sessions WHERE id = ?4)"
);

/// The secret ?2 is dropped, and the row with it where no other one is on.
const DROP_NEW: [&str; 2] = [
    "DELETE FROM totp WHERE user_id = ?1 AND new_secret = ?2 AND secret IS NULL",
    "UPDATE totp SET new_secret = NULL WHERE user_id = ?1 AND new_secret = ?2",
];

/// The first statement of [`TotpSecrets::activate`], which decides: of two with the same code one does.
const ACTIVATE: &str = concat!(
    "UPDATE totp SET secret = new_secret, new_secret = NULL, new_tries = 0, last_step = ?3, \
       created_at = ?4 \
     WHERE user_id = ?1 AND new_secret = ?2 AND ",
    caller_may!("?5"),
    " RETURNING 1"
);

/// Ends every token and session of account ?1, and its tickets, once it was given the recovery code ?3.
const END_SESSIONS: &str = concat!(
    "UPDATE users SET epoch = epoch + 1, tokens_valid_after = ?2 WHERE id = ?1 AND ",
    given_after!("?3")
);

const SWITCH_OFF: &str = concat!(
    "DELETE FROM totp WHERE user_id = ?1 AND secret IS NOT NULL AND ",
    caller_may!("?2"),
    " RETURNING 1"
);

impl TotpSecrets<'_> {
    /// Which second factors of that account are on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn on(&self, user: UserId) -> Result<On, StoreError> {
        let row = self.0.first(ON, &[id_number(user)]).await?;
        let row = row.ok_or_else(Row::missing)?;
        Ok(On {
            totp: row.integer(0)? != 0,
            passkey: row.integer(1)? != 0,
        })
    }

    /// Stores a new secret of the caller's, in place of one that was not switched on; false where the
    /// caller may not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn enrol(
        &self,
        sealed: &str,
        authority: &Authority<'_>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let user = id_number(authority.user_id);
        let values = [user, sealed.into(), millis(now), authority.value()];
        Ok(self.0.first(ENROL, &values).await?.is_some())
    }

    /// The caller's new secret, of which one more try is counted; `None` where there is none, or the
    /// caller may not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn try_new(
        &self,
        authority: &Authority<'_>,
    ) -> Result<Option<NewSecret>, StoreError> {
        let values = [
            id_number(authority.user_id),
            TRIES.into(),
            authority.value(),
            or_null(authority.session.map(SessionId::as_str)),
        ];
        let row = self.0.first(TRY_NEW, &values).await?;
        let new = |row: Row| {
            Ok(NewSecret {
                sealed: row.required_text(0)?,
                is_last_try: row.unsigned(1)? >= Some(TRIES.into()),
                amr: row.text(2).map(Amr::stored),
            })
        };
        row.map(new).transpose()
    }

    /// Drops a new secret of `user`, if it was not switched on meanwhile.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn drop_new(&self, user: UserId, sealed: &str) -> Result<(), StoreError> {
        let values = vec![id_number(user), sealed.into()];
        let statements = DROP_NEW.map(|text| Statement(text, values.clone()));
        self.0.batch(&statements).await?;
        Ok(())
    }

    /// Switches a new secret of the caller's on, gives recovery codes in place of those that are left, and
    /// ends every token and session but the caller's. `None` where the secret was switched on or replaced
    /// meanwhile, or the caller may not. Gives the mail that tells of it.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn activate(
        &self,
        new: &Activation<'_>,
        authority: &Authority<'_>,
    ) -> Result<Option<Option<Queued>>, StoreError> {
        let user = authority.user_id;
        let marker = marker(new.recovery_codes);
        let activate = vec![
            id_number(user),
            new.sealed.into(),
            number(new.step),
            millis(new.now),
            authority.value(),
        ];
        let end = vec![id_number(user), seconds(new.now.seconds()), marker.into()];
        let mut statements = vec![Statement(ACTIVATE, activate)];
        statements.extend(replaced(user, new.recovery_codes));
        let told = u32::try_from(statements.len()).unwrap_or(u32::MAX);
        let notice = new.notice;
        statements.extend(notice.map(|notice| notice.of_recovery_codes(user, marker)));
        statements.push(Statement(END_SESSIONS, end));
        let session = authority.session.zip(new.amr);
        statements.extend(session.map(|(session, amr)| Sessions::kept_with(user, session, amr)));
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let mail = match notice {
            Some(_) => answers.rows(told)?.first().map(queued).transpose()?,
            None => None,
        };
        Ok(Some(mail))
    }

    /// Switches the caller's one-time passwords off, with the recovery codes where no other second factor
    /// is on; `None` where they are not on, or the caller may not. Gives the mail that tells of it.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn switch_off(
        &self,
        notice: Option<Notice<'_>>,
        authority: &Authority<'_>,
    ) -> Result<Option<Option<Queued>>, StoreError> {
        let user = authority.user_id;
        let values = vec![id_number(user), authority.value()];
        let mut statements = vec![Statement(SWITCH_OFF, values)];
        statements.extend(notice.map(|notice| notice.right_after(user)));
        statements.push(useless_deleted(authority));
        statements.push(tickets::voided(user, authority));
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let mail = match notice {
            Some(_) => answers.rows(1)?.first().map(queued).transpose()?,
            None => None,
        };
        Ok(Some(mail))
    }
}
