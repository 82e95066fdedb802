//! The table `audit`: who did what to which account.

use super::{Database, Row, Statement, StoreError, id_number, number, or_null};
use crate::auth::account::UserId;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An account was registered.
    Register,
    /// Somebody signed in.
    SignIn,
    /// A password was wrong, or the account disabled, unknown or closed.
    SignInFailed,
    /// A spent refresh token came back, and its session was ended.
    RefreshReuse,
    /// A session was ended by its user.
    Logout,
    /// A password was changed by its user.
    PasswordChange,
    /// An account was deleted by its user.
    Delete,
    /// An administrator gave an account another role.
    RoleChange,
    /// An administrator disabled an account.
    Disable,
    /// An administrator enabled an account.
    Enable,
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
            Self::SignInFailed => "sign_in_failed",
            Self::RefreshReuse => "refresh_reuse",
            Self::Logout => "logout",
            Self::PasswordChange => "password_change",
            Self::Delete => "delete",
            Self::RoleChange => "role_change",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Import => "import",
        }
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
    /// Unix time in milliseconds.
    pub now: u64,
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
}

/// The audit trail in a D1 database.
#[derive(Debug)]
pub struct Audit<'a>(pub &'a Database);

const APPEND: &str = "INSERT INTO audit (at, action, user_id, actor_id, address, user_agent, detail) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const PAGE: &str = "SELECT id, strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch'), action, \
      user_id, actor_id, address, user_agent, detail \
    FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";

/// By id, which goes with the time: no index has to be kept for it.
const PURGE: &str = "DELETE FROM audit WHERE id < coalesce(\
    (SELECT id FROM audit WHERE at > ?1 ORDER BY id LIMIT 1), 9007199254740991)";

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
                    number(origin.now),
                    event.action.name().into(),
                    id(event.user_id),
                    id(event.actor_id),
                    origin.address.into(),
                    or_null(origin.user_agent),
                    or_null(event.detail.as_deref()),
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
            })
        };
        rows.into_iter().map(entry).collect()
    }

    /// Deletes what is older than `time`, Unix time in milliseconds.
    ///
    /// # Errors
    /// The database failed.
    pub async fn purge(&self, time: u64) -> Result<(), StoreError> {
        self.0.first(PURGE, &[number(time)]).await?;
        Ok(())
    }
}
