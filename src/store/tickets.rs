//! The table `tickets`: who has shown the first factor of an account that asks for two.

use super::users::{SIGNING_IN_COLUMNS, SigningIn, columns, signing_in, signing_in_columns};
use super::{
    Authority, Database, Row, Statement, StoreError, caller_may, id_number, millis, number, or_null,
};
use edge_auth_core::account::UserId;
use edge_auth_core::proof::Method;
use edge_auth_core::sign_in::{HalfSignedIn, TicketDigest};
use edge_auth_core::time::UnixMillis;

/// The tickets in a D1 database.
#[derive(Debug)]
pub struct Tickets<'a>(pub &'a Database);

/// A ticket to be given.
#[derive(Debug)]
pub struct NewTicket<'a> {
    /// What it is known by.
    pub digest: &'a TicketDigest,
    /// Who has shown the first factor.
    pub half: &'a HalfSignedIn,
    /// The passkey that it was.
    pub credential_id: Option<&'a str>,
    /// Whether a refresh token was asked for.
    pub offline_access: bool,
    /// Until when it is good.
    pub expires_at: UnixMillis,
}

/// A ticket that is good.
#[derive(Debug)]
pub struct OpenTicket {
    /// The account, as it is now.
    pub owner: SigningIn,
    /// Who has shown the first factor.
    pub half: HalfSignedIn,
    /// The passkey that it was.
    pub credential_id: Option<String>,
    /// Whether a refresh token was asked for.
    pub offline_access: bool,
}

const OPEN: &str = "INSERT INTO tickets \
    (digest, user_id, epoch, method, credential_id, offline_access, expires_at) \
    SELECT ?1, id, epoch, ?4, ?5, ?6, ?7 FROM users WHERE id = ?2 AND epoch = ?3 AND disabled = 0 \
    RETURNING 1";

/// Whether the ticket ?1 is good at ?2, for the statement that accepts the second factor.
macro_rules! ticket_is_good {
    () => {
        "EXISTS (SELECT 1 FROM tickets JOIN users ON users.id = tickets.user_id \
           AND users.epoch = tickets.epoch AND users.disabled = 0 \
         WHERE tickets.digest = ?1 AND tickets.expires_at > ?2)"
    };
}
pub(super) use ticket_is_good;

/// Counts a try before it is looked at: of fifty at once five are.
const TRY: &str = concat!(
    "UPDATE tickets SET tries = tries + 1 WHERE digest = ?1 AND tries < 5 AND ",
    ticket_is_good!(),
    " RETURNING 1"
);

macro_rules! look {
    ($tries:literal) => {
        concat!(
            "SELECT ",
            signing_in_columns!(),
            ", ticket_epoch, method, credential_id, offline_access FROM (SELECT user_id AS owner_id, \
               tickets.epoch AS ticket_epoch, method, credential_id, offline_access FROM tickets \
             WHERE digest = ?1 AND expires_at > ?2 AND tries ",
            $tries,
            ") JOIN users \
               ON users.id = owner_id AND users.epoch = ticket_epoch AND users.disabled = 0"
        )
    };
}

const LOOK: &str = look!("< 5");

/// After [`TRY`], which may have counted the last one.
const LOOK_AFTER_TRY: &str = look!("<= 5");

/// After the statement that accepts the second factor, which changed a row.
const USE_UP: &str = "DELETE FROM tickets WHERE digest = ?1 AND changes() = 1 RETURNING 1";

const VOID_RIGHT_AFTER: &str = "DELETE FROM tickets WHERE user_id = ?1 AND changes() = 1";

/// Those of account ?1, by the caller ?2.
const VOID: &str = concat!(
    "DELETE FROM tickets WHERE user_id = ?1 AND ",
    caller_may!("?2")
);

impl Tickets<'_> {
    /// Gives a ticket; false where the account has changed since its first factor was looked at.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open(&self, new: &NewTicket<'_>) -> Result<bool, StoreError> {
        let values = [
            new.digest.as_str().into(),
            id_number(new.half.user_id()),
            number(new.half.epoch()),
            new.half.method().name().into(),
            or_null(new.credential_id),
            u32::from(new.offline_access).into(),
            millis(new.expires_at),
        ];
        Ok(self.0.first(OPEN, &values).await?.is_some())
    }

    /// The ticket of that digest, if it is good at `now`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn look(
        &self,
        digest: &TicketDigest,
        now: UnixMillis,
    ) -> Result<Option<OpenTicket>, StoreError> {
        let values = [digest.as_str().into(), millis(now)];
        let row = self.0.first(LOOK, &values).await?;
        row.as_ref().map(open).transpose()
    }

    /// The same, and counts one more try; `None` as well where there are no more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn try_one(
        &self,
        digest: &TicketDigest,
        now: UnixMillis,
    ) -> Result<Option<OpenTicket>, StoreError> {
        let values = vec![digest.as_str().into(), millis(now)];
        let statements = [
            Statement(TRY, values.clone()),
            Statement(LOOK_AFTER_TRY, values),
        ];
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        answers.rows(1)?.first().map(open).transpose()
    }
}

fn open(row: &Row) -> Result<OpenTicket, StoreError> {
    let owner = signing_in(row)?;
    let epoch = row.unsigned(SIGNING_IN_COLUMNS)?.unwrap_or_default();
    let method = Method::parse(&row.required_text(SIGNING_IN_COLUMNS + 1)?);
    let method = method.ok_or_else(|| Row::unexpected(SIGNING_IN_COLUMNS + 1))?;
    Ok(OpenTicket {
        half: HalfSignedIn::stored(owner.account.user.id, epoch, method),
        credential_id: row.text(SIGNING_IN_COLUMNS + 2),
        offline_access: row.integer(SIGNING_IN_COLUMNS + 3)? != 0,
        owner,
    })
}

/// The statement that uses a ticket up, to be run right after the one that accepted the second factor.
pub(super) fn used_up(digest: &TicketDigest) -> Statement {
    Statement(USE_UP, vec![digest.as_str().into()])
}

/// The same, to be run right after the statement that changed one row because the caller may: the session
/// that it ended can be the caller's own.
pub(super) fn voided_right_after(user: UserId) -> Statement {
    Statement(VOID_RIGHT_AFTER, vec![id_number(user)])
}

/// The statement that voids the tickets of `user`, whose factors, rights or sessions change. Where the
/// account's epoch changes they are void by that.
pub(super) fn voided(user: UserId, authority: &Authority<'_>) -> Statement {
    Statement(VOID, vec![id_number(user), authority.value()])
}
