//! The tables `passkeys` and `answered_challenges`.

mod own;
mod shown;

use wasm_bindgen::JsValue;

use super::{Database, Row, Statement, StoreError, id_number, millis};
use edge_auth_core::account::UserId;
use edge_auth_core::passkey::{Challenge, CredentialId, Descriptor, UserHandle};

pub(super) use own::has_lone_passkey;
pub use own::{InsertError, MOST_PASSKEYS, PasskeyChange, Registered};
pub(super) use shown::noted;
pub use shown::{Owned, Used};

/// The passkeys in a D1 database.
#[derive(Debug)]
pub struct Passkeys<'a>(pub &'a Database);

/// A passkey as its owner sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Passkey {
    /// A UUID.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was registered, UTC, as in `2024-01-15T10:30:00`.
    pub created_at: String,
    /// When it was last used, in the same form.
    pub last_used_at: Option<String>,
    /// Whether it was backed up when it was last used.
    pub backed_up: bool,
    /// Whether its user was verified at registration.
    pub user_verified: bool,
    /// Whether every other way to sign in asks for a second factor.
    pub second_factor: bool,
}

/// The columns of a [`Passkey`], in the order in which `passkey` reads them.
macro_rules! passkey_columns {
    () => {
        "id, name, strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000, 'unixepoch'), \
         strftime('%Y-%m-%dT%H:%M:%S', last_used_at / 1000, 'unixepoch'), \
         backed_up, user_verified, second_factor"
    };
}
use passkey_columns;

const LIST: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    " FROM passkeys WHERE user_id = ?1 ORDER BY created_at, id"
);

const LOOK: &str = concat!(
    "SELECT ",
    passkey_columns!(),
    " FROM passkeys WHERE user_id = ?1 AND id = ?2"
);

/// D1 gives no bytes in a form that is cheap to read.
const HANDLE: &str = "SELECT hex(user_handle) FROM users WHERE id = ?1";

const DESCRIPTORS: &str =
    "SELECT credential_id, transports FROM passkeys WHERE user_id = ?1 ORDER BY created_at, id";

/// Spends the challenge ?1, which is refused by its age from ?2 on.
macro_rules! answered {
    ($condition:expr) => {
        concat!(
            "INSERT INTO answered_challenges (digest, expires_at) SELECT ?1, ?2 WHERE ",
            $condition,
            " ON CONFLICT (digest) DO NOTHING RETURNING 1"
        )
    };
}
use answered;

impl Passkeys<'_> {
    /// The passkeys of `user`, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(&self, user: UserId) -> Result<Vec<Passkey>, StoreError> {
        let rows = self.0.all(LIST, &[id_number(user)]).await?;
        rows.iter().map(passkey).collect()
    }

    /// The passkey of `user` that clients know by `id`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn look(&self, user: UserId, id: &str) -> Result<Option<Passkey>, StoreError> {
        let row = self.0.first(LOOK, &[id_number(user), id.into()]).await?;
        row.as_ref().map(passkey).transpose()
    }

    /// What authenticators know `user` by, and the passkeys that they need not make again.
    ///
    /// # Errors
    /// The database failed, or there is no such account.
    pub async fn handle(&self, user: UserId) -> Result<(UserHandle, Vec<Descriptor>), StoreError> {
        let values = vec![id_number(user)];
        let statements = [
            Statement(HANDLE, values.clone()),
            Statement(DESCRIPTORS, values),
        ];
        let answers = self.0.batch_all(&statements).await?;
        let row = answers.rows(0)?.into_iter().next();
        let handle = user_handle(&row.ok_or_else(Row::missing)?, 0)?;
        let descriptors: Result<_, _> = answers.rows(1)?.iter().map(descriptor).collect();
        Ok((handle, descriptors?))
    }

    /// The passkeys of `user`, as a browser is told which ones will do.
    ///
    /// # Errors
    /// The database failed.
    pub async fn descriptors(&self, user: UserId) -> Result<Vec<Descriptor>, StoreError> {
        let rows = self.0.all(DESCRIPTORS, &[id_number(user)]).await?;
        rows.iter().map(descriptor).collect()
    }
}

pub(super) fn answer(challenge: &Challenge) -> Vec<JsValue> {
    vec![challenge.digest().into(), millis(challenge.expires_at())]
}

/// A truth value as the columns have it.
fn truth(value: bool) -> JsValue {
    u32::from(value).into()
}

fn passkey(row: &Row) -> Result<Passkey, StoreError> {
    Ok(Passkey {
        id: row.required_text(0)?,
        name: row.required_text(1)?,
        created_at: row.required_text(2)?,
        last_used_at: row.text(3),
        backed_up: row.integer(4)? != 0,
        user_verified: row.integer(5)? != 0,
        second_factor: row.integer(6)? != 0,
    })
}

fn descriptor(row: &Row) -> Result<Descriptor, StoreError> {
    let id = CredentialId::parse(&row.required_text(0)?).map_err(|_| Row::unexpected(0))?;
    let transports = row.required_text(1)?;
    Ok(Descriptor {
        credential_id: id,
        transports: transports.split_whitespace().map(str::to_owned).collect(),
    })
}

fn user_handle(row: &Row, column: u32) -> Result<UserHandle, StoreError> {
    let handle = UserHandle::from_hex(&row.required_text(column)?);
    handle.ok_or_else(|| Row::unexpected(column))
}
