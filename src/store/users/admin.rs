//! What administrators do with accounts.

use wasm_bindgen::JsValue;

use edge_auth_core::account::{Email, Name, Role, Roles, UserId};
use edge_auth_core::throttle::NameHash;
use edge_auth_core::time::UnixSeconds;

use super::{Account, Users, account, columns, is_last_admin};
use crate::store::attempts::Attempts;
use crate::store::challenges::NewChallenge;
use crate::store::outbox::{Notice, Queued, queued};
use crate::store::{
    Authority, Statement, StoreError, caller_may, id_number, number, or_null, seconds, tickets,
};

/// What an administrator changes; what is `None` stays.
#[derive(Debug)]
pub struct AdminChange<'a> {
    /// The role, one of `roles`.
    pub role: Option<&'a Role>,
    /// Whether sign-in and tokens are refused.
    pub disabled: Option<bool>,
    /// The name that the person goes by.
    pub name: Option<&'a Name>,
    /// All roles, the one with the fewest rights first.
    pub roles: &'a Roles,
}

const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM users WHERE id > ?1 ORDER BY id LIMIT ?2"
);

/// Whether the change lowers the account's rights; ?4 lists the roles, the lowest first.
macro_rules! lowers {
    () => {
        "(coalesce(?3, 0) > disabled OR \
          instr(?4, ',' || coalesce(?2, role) || ',') < instr(?4, ',' || role || ','))"
    };
}

/// Role ?2, disabled ?3, name ?5 of account ?1. The epoch ends its sessions and tokens.
const CHANGE: &str = concat!(
    "UPDATE users SET tokens_valid_after = CASE WHEN ",
    lowers!(),
    " THEN ?6 ELSE tokens_valid_after END, epoch = epoch + ",
    lowers!(),
    ", role = coalesce(?2, role), disabled = coalesce(?3, disabled), name = coalesce(?5, name), \
     updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') WHERE id = ?1 AND NOT (",
    is_last_admin!(),
    " AND (coalesce(?2, role) <> 'admin' OR coalesce(?3, disabled) = 1)) AND ",
    caller_may!("?7"),
    " RETURNING ",
    columns!()
);

const END_SESSIONS: &str = concat!(
    "UPDATE users SET epoch = epoch + 1, tokens_valid_after = ?2 WHERE id = ?1 AND ",
    caller_may!("?3"),
    " RETURNING 1"
);

/// Whether there is an account ?1 for the caller ?2 to do something with.
const MAY: &str = concat!("SELECT 1 FROM users WHERE id = ?1 AND ", caller_may!("?2"));

/// ?3 is whether mail is set up: then a code to the account's address is a way to sign in.
const DELETE_SECOND_PASSKEYS: &str = concat!(
    "DELETE FROM passkeys WHERE user_id = ?1 AND second_factor = 1 \
     AND EXISTS (SELECT 1 FROM users WHERE users.id = ?1 \
       AND (password_hash IS NOT NULL OR (?3 AND email IS NOT NULL))) AND ",
    caller_may!("?2")
);

/// What else makes the account ?1 ask for a second factor. A passkey that nothing asks for stays, and one
/// that is the only way to sign in is one of these from now on.
const FORGET_SECOND_FACTORS: [&str; 3] = [
    concat!(
        "DELETE FROM totp WHERE user_id = ?1 AND ",
        caller_may!("?2")
    ),
    concat!(
        "DELETE FROM recovery_codes WHERE user_id = ?1 AND ",
        caller_may!("?2")
    ),
    concat!(
        "UPDATE passkeys SET second_factor = 0 WHERE user_id = ?1 AND second_factor = 1 AND ",
        caller_may!("?2")
    ),
];

/// An account to be made for somebody else, without a password.
#[derive(Debug)]
pub struct InvitedAccount<'a> {
    /// Must not be taken.
    pub email: &'a Email,
    /// The name that the person goes by.
    pub name: &'a Name,
    /// One of the configured roles.
    pub role: &'a Role,
    /// The invitation that is sent.
    pub invitation: NewChallenge<'a>,
}

/// No row comes back where the address is taken.
const INVITE: &str = concat!(
    "INSERT INTO users (email, name, role, language) \
     SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM users WHERE email = ?1) AND ",
    caller_may!("?5"),
    " RETURNING ",
    columns!()
);

impl Users<'_> {
    /// Makes an account for somebody else and the mail that invites them; `None` where the address is
    /// taken or the caller may not.
    ///
    /// # Errors
    /// The database failed, and nothing was made.
    pub async fn invite(
        &self,
        new: &InvitedAccount<'_>,
        authority: &Authority<'_>,
    ) -> Result<Option<(Account, Option<Queued>)>, StoreError> {
        let values = vec![
            new.email.as_str().into(),
            new.name.as_str().into(),
            new.role.as_str().into(),
            new.invitation.language.into(),
            authority.value(),
        ];
        let email = JsValue::from(new.email.as_str());
        let [challenge, mail] = new.invitation.of_invitation(email, authority);
        let statements = [Statement(INVITE, values), challenge, mail];
        let answers = self.0.batch_all(&statements).await?;
        let Some(row) = answers.rows(0)?.into_iter().next() else {
            return Ok(None);
        };
        let mail = answers.rows(2)?.first().map(queued).transpose()?;
        Ok(Some((account(&row)?, mail)))
    }

    /// The accounts after the one of id `after`, by id.
    ///
    /// # Errors
    /// The database failed.
    pub async fn page(&self, after: u64, limit: u32) -> Result<Vec<Account>, StoreError> {
        let rows = self.0.all(PAGE, &[number(after), limit.into()]).await?;
        rows.iter().map(account).collect()
    }

    /// Makes an administrator's change; `None` where there is no such account, or it is the last
    /// admin's and would no longer be, or the caller may not. Where it lowers the account's rights
    /// it ends its tokens and sessions.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn change(
        &self,
        id: UserId,
        change: &AdminChange<'_>,
        authority: &Authority<'_>,
        now: UnixSeconds,
    ) -> Result<Option<Account>, StoreError> {
        let values = [
            id_number(id),
            or_null(change.role.map(Role::as_str)),
            or_null(change.disabled.map(u32::from)),
            listed(change.roles).into(),
            or_null(change.name.map(Name::as_str)),
            seconds(now),
            authority.value(),
        ];
        let statements = [
            Statement(CHANGE, values.into()),
            tickets::voided(id, authority),
        ];
        let row = self.0.batch(&statements).await?;
        row.as_ref().map(account).transpose()
    }

    /// Ends every session and token of an account; false where there is none of that id, or the
    /// caller may not.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn end_sessions(
        &self,
        id: UserId,
        authority: &Authority<'_>,
        now: UnixSeconds,
    ) -> Result<bool, StoreError> {
        let values = [id_number(id), seconds(now), authority.value()];
        Ok(self.0.first(END_SESSIONS, &values).await?.is_some())
    }

    /// Takes an account's second factors away, and ends its sessions and tokens: what it signed in by may
    /// be in other hands. `None` where there is none of that id, or the caller may not. Gives the mail
    /// that tells its owner.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn forget_second_factors(
        &self,
        id: UserId,
        mail_is_set_up: bool,
        notice: Option<Notice<'_>>,
        authority: &Authority<'_>,
        now: UnixSeconds,
    ) -> Result<Option<Option<Queued>>, StoreError> {
        let values = vec![id_number(id), authority.value()];
        let by_mail = u32::from(mail_is_set_up).into();
        let with_mail = vec![id_number(id), authority.value(), by_mail];
        let mut statements = vec![
            Statement(MAY, values.clone()),
            Statement(DELETE_SECOND_PASSKEYS, with_mail),
        ];
        statements.extend(FORGET_SECOND_FACTORS.map(|text| Statement(text, values.clone())));
        let told = u32::try_from(statements.len()).unwrap_or(u32::MAX);
        statements.extend(notice.map(|notice| notice.by_caller(id, authority)));
        // The last: the caller's own account may be the one that it ends.
        let values = vec![id_number(id), seconds(now), authority.value()];
        statements.push(Statement(END_SESSIONS, values));
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

    /// Forgets the failed sign-ins of an account of these names; false where there is none of that
    /// id, or the caller may not.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn unlock(
        &self,
        id: UserId,
        names: &[NameHash],
        authority: &Authority<'_>,
    ) -> Result<bool, StoreError> {
        let asked = Statement(MAY, vec![id_number(id), authority.value()]);
        let [account, pairs] = Attempts::unlocked(id, names, authority);
        let row = self.0.batch(&[asked, account, pairs]).await?;
        Ok(row.is_some())
    }
}

/// The roles as [`CHANGE`] takes them, each between commas.
fn listed(roles: &Roles) -> String {
    roles
        .iter()
        .map(|role| format!(",{role}"))
        .collect::<String>()
        + ","
}
