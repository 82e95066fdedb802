//! The table `audit`: who did what to which account.

use super::{Database, Row, Statement, StoreError, id_number, millis, number, or_null};
use edge_auth_core::account::UserId;
use edge_auth_core::time::{Milliseconds, UnixMillis};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An account was registered.
    Register,
    /// Somebody signed in.
    SignIn,
    /// The first factor of an account that asks for two was right.
    FirstFactor,
    /// A second factor was wrong.
    SecondFactorFailed,
    /// Somebody who is signed in has shown anew who they are.
    Reauthentication,
    /// A recovery code was used up.
    RecoveryCodeUsed,
    /// A password was wrong, or the account disabled, unknown or closed.
    SignInFailed,
    /// A registration, or a change of name, was told that the name is taken.
    NameTaken,
    /// A spent refresh token came back, and its session was ended.
    RefreshReuse,
    /// A session was ended by its user.
    Logout,
    /// A password was changed by its user.
    PasswordChange,
    /// A forgotten password was set anew.
    PasswordReset,
    /// One-time passwords were switched on by their user.
    TotpOn,
    /// One-time passwords were switched off by their user.
    TotpOff,
    /// Recovery codes were replaced by their user.
    RecoveryCodesReplaced,
    /// The address of an account was proven.
    EmailVerified,
    /// The address of an account was changed by its user.
    EmailChange,
    /// A change of address was taken back.
    EmailRevert,
    /// An administrator made an account and invited somebody to it, or did so again.
    Invitation,
    /// Somebody took over an account that was made for them.
    InvitationAccepted,
    /// A mail was not sent before it expired.
    MailFailed,
    /// An account was deleted by its user.
    Delete,
    /// An administrator gave an account another role.
    RoleChange,
    /// An administrator disabled an account.
    Disable,
    /// An administrator enabled an account.
    Enable,
    /// An administrator changed the name that a person goes by.
    NameChange,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey became a second factor, or is none any more.
    PasskeyChanged,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The signature counter of a passkey did not grow.
    PasskeyCounter,
    /// An administrator ended every session of an account.
    SessionsEnd,
    /// An administrator took an account's second factors away.
    SecondFactorsForgotten,
    /// An administrator took an account's failed sign-ins back.
    Unlock,
    /// An administrator imported accounts.
    Import,
}

impl Action {
    /// The name that is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
            Self::FirstFactor => "first_factor",
            Self::SecondFactorFailed => "second_factor_failed",
            Self::Reauthentication => "reauthentication",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::SignInFailed => "sign_in_failed",
            Self::RefreshReuse => "refresh_reuse",
            Self::Logout => "logout",
            Self::PasswordChange => "password_change",
            Self::PasswordReset => "password_reset",
            Self::TotpOn => "totp_on",
            Self::TotpOff => "totp_off",
            Self::RecoveryCodesReplaced => "recovery_codes_replaced",
            Self::EmailVerified => "email_verified",
            Self::EmailChange => "email_change",
            Self::EmailRevert => "email_revert",
            Self::Invitation => "invitation",
            Self::InvitationAccepted => "invitation_accepted",
            Self::MailFailed => "mail_failed",
            Self::Delete => "delete",
            Self::RoleChange => "role_change",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::NameTaken => "name_taken",
            Self::NameChange => "name_change",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyChanged => "passkey_changed",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeyCounter => "passkey_counter",
            Self::SessionsEnd => "sessions_end",
            Self::SecondFactorsForgotten => "second_factors_forgotten",
            Self::Unlock => "unlock",
            Self::Import => "import",
        }
    }

    /// Whether anybody can do it without signing in, as often as they like: then it has one row a
    /// minute and address, with a count.
    fn is_anybodys(self) -> bool {
        matches!(self, Self::SignInFailed | Self::NameTaken)
    }
}

/// Something that was done. Never holds a name, an address of mail, a password or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What was done.
    pub action: Action,
    /// To which account, if there is one.
    pub user_id: Option<UserId>,
    /// By which account, if it was signed in.
    pub actor_id: Option<UserId>,
    /// More about it, such as the new role.
    pub detail: Option<String>,
}

/// Where events come from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The client's address, as failures are counted.
    pub address: &'a str,
    /// The header `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// The time.
    pub now: UnixMillis,
}

/// An event as it is stored.
#[derive(Debug)]
pub struct Entry {
    /// Later ones are greater.
    pub id: i64,
    /// When, UTC, as in `2024-01-15T10:30:00`.
    pub at: String,
    /// What was done.
    pub action: String,
    /// To which account.
    pub user_id: Option<i64>,
    /// By which account.
    pub actor_id: Option<i64>,
    /// The client's address.
    pub address: String,
    /// The client, by its own words.
    pub user_agent: Option<String>,
    /// More about it.
    pub detail: Option<String>,
    /// How often it was done in that minute; from 1.
    pub count: i64,
}

/// The longest `User-Agent` that is kept, in characters.
pub const USER_AGENT_CHARACTERS: usize = 256;

/// The audit trail in a D1 database.
#[derive(Debug)]
pub struct Audit<'a>(pub &'a Database);

/// ?8 is the minute of a row to which more of its kind are added. Such a row is to no account in
/// particular once they are to several.
const APPEND: &str = "INSERT INTO audit \
      (at, action, user_id, actor_id, address, user_agent, detail, minute) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
    ON CONFLICT (address, action, minute) WHERE minute IS NOT NULL DO UPDATE SET \
      count = count + 1, \
      user_id = CASE WHEN user_id IS excluded.user_id THEN user_id END, \
      actor_id = CASE WHEN actor_id IS excluded.actor_id THEN actor_id END";

/// The event of a chunk of an import, run after the accounts were added: nothing was added, nothing
/// is written.
const IMPORTED: &str = "INSERT INTO audit (at, action, actor_id, address, user_agent, detail) \
    SELECT ?1, ?2, ?3, ?4, ?5, changes() WHERE changes() > 0";

const PAGE: &str = "SELECT id, strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch'), action, \
      user_id, actor_id, address, user_agent, detail, count \
    FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";

impl Audit<'_> {
    /// Appends `events`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn append(&self, events: &[Event], origin: Origin<'_>) -> Result<(), StoreError> {
        let id = |id: Option<UserId>| or_null(id.map(id_number));
        let statements: Vec<_> = events
            .iter()
            .map(|event| {
                let values = vec![
                    millis(origin.now),
                    event.action.name().into(),
                    id(event.user_id),
                    id(event.actor_id),
                    origin.address.into(),
                    or_null(origin.user_agent.map(cut)),
                    or_null(event.detail.as_deref()),
                    or_null(
                        event
                            .action
                            .is_anybodys()
                            .then(|| number(origin.now.0 / MINUTE.0)),
                    ),
                ];
                Statement(APPEND, values)
            })
            .collect();
        self.0.batch(&statements).await?;
        Ok(())
    }

    /// The latest entries before the one of id `before`, the latest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn page(&self, before: Option<u64>, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let before = number(before.unwrap_or((1 << 53) - 1));
        let rows = self.0.all(PAGE, &[before, limit.into()]).await?;
        let entry = |row: Row| {
            Ok(Entry {
                id: row.integer(0)?,
                at: row.required_text(1)?,
                action: row.required_text(2)?,
                user_id: row.optional_integer(3)?,
                actor_id: row.optional_integer(4)?,
                address: row.required_text(5)?,
                user_agent: row.text(6),
                detail: row.text(7),
                count: row.integer(8)?,
            })
        };
        rows.into_iter().map(entry).collect()
    }

    /// The statement that tells of an import by that account, to be run right after the one that
    /// adds accounts.
    pub(super) fn imported(actor: UserId, origin: Origin<'_>) -> Statement {
        let values = vec![
            millis(origin.now),
            Action::Import.name().into(),
            id_number(actor),
            origin.address.into(),
            or_null(origin.user_agent.map(cut)),
        ];
        Statement(IMPORTED, values)
    }
}

/// A minute.
const MINUTE: Milliseconds = Milliseconds(60 * 1000);

/// What is kept of a `User-Agent`, which a client may make as long as it likes.
fn cut(user_agent: &str) -> String {
    user_agent.chars().take(USER_AGENT_CHARACTERS).collect()
}
