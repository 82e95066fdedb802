//! Accounts of which somebody shows a first factor.

use wasm_bindgen::JsValue;

use super::{Account, COLUMNS, Users, account, columns};
use crate::store::attempts::{Closed, closed};
use crate::store::{Row, StoreError, millis};
use edge_auth_core::account::SignInName;
use edge_auth_core::proof::Method;
use edge_auth_core::sign_in::{FirstFactor, SecondFactors};
use edge_auth_core::throttle::AttemptKeys;
use edge_auth_core::time::UnixMillis;

/// An account of which somebody shows a first factor.
#[derive(Debug)]
pub struct SigningIn {
    /// The account.
    pub account: Account,
    /// What else it may ask for.
    pub second_factors: SecondFactors,
}

impl SigningIn {
    /// The beginning of the sign-in that this is.
    #[must_use]
    pub fn by(&self, method: Method) -> FirstFactor {
        FirstFactor {
            user_id: self.account.user.id,
            epoch: self.account.epoch,
            method,
            second_factors: self.second_factors,
        }
    }
}

/// What a sign-in needs to know.
#[derive(Debug)]
pub struct SignIn {
    /// The account of that name.
    pub signing_in: Option<SigningIn>,
    /// Its stored password, if it has one.
    pub password_hash: Option<String>,
    /// Whether the attempt has to wait.
    pub closed: Closed,
}

/// The columns of a [`SigningIn`], in the order in which `signing_in` reads them.
macro_rules! signing_in_columns {
    () => {
        concat!(
            columns!(),
            ", EXISTS (SELECT 1 FROM totp WHERE totp.user_id = users.id AND secret IS NOT NULL), \
               (SELECT max(second_factor) FROM passkeys WHERE passkeys.user_id = users.id), \
               EXISTS (SELECT 1 FROM recovery_codes WHERE recovery_codes.user_id = users.id)"
        )
    };
}
pub(in crate::store) use signing_in_columns;

/// The number of columns of a [`SigningIn`].
pub(in crate::store) const SIGNING_IN_COLUMNS: u32 = COLUMNS + 3;

pub(in crate::store) fn signing_in(row: &Row) -> Result<SigningIn, StoreError> {
    let asks_for_passkey = row.optional_integer(COLUMNS + 1)?;
    Ok(SigningIn {
        account: account(row)?,
        second_factors: SecondFactors {
            totp: row.integer(COLUMNS)? != 0,
            asks_for_passkey: asks_for_passkey == Some(1),
            passkeys: asks_for_passkey.is_some(),
            recovery_codes: row.integer(COLUMNS + 2)? != 0,
        },
    })
}

/// One row in any case: the account, if there is one, and until when the attempt has to wait.
macro_rules! sign_in_by {
    ($column:literal) => {
        concat!(
            "SELECT ",
            signing_in_columns!(),
            ", password_hash, closed_until, address_closed_until FROM (",
            closed!("?2", "?3", "?4"),
            ") LEFT JOIN users ON ",
            $column,
            " = ?1"
        )
    };
}

const SIGN_IN_BY_EMAIL: &str = sign_in_by!("email");

const SIGN_IN_BY_USERNAME: &str = sign_in_by!("username_folded");

impl Users<'_> {
    /// The account that signs in by that name, if there can be one, and whether the attempt of
    /// these keys has to wait.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sign_in(
        &self,
        name: Option<&SignInName>,
        keys: &AttemptKeys,
        now: UnixMillis,
    ) -> Result<SignIn, StoreError> {
        let (statement, name) = match name {
            Some(SignInName::Username(username)) => (SIGN_IN_BY_USERNAME, username.folded().into()),
            Some(SignInName::Email(email)) => (SIGN_IN_BY_EMAIL, email.as_str().into()),
            None => (SIGN_IN_BY_EMAIL, JsValue::NULL),
        };
        let values = [
            name,
            keys.pair.as_str().into(),
            keys.address.as_str().into(),
            millis(now),
        ];
        let row = self
            .0
            .first(statement, &values)
            .await?
            .ok_or_else(Row::missing)?;
        Ok(SignIn {
            signing_in: if row.is_null(0) {
                None
            } else {
                Some(signing_in(&row)?)
            },
            password_hash: row.text(SIGNING_IN_COLUMNS),
            closed: Closed {
                pair: row.millis(SIGNING_IN_COLUMNS + 1)?,
                address: row.millis(SIGNING_IN_COLUMNS + 2)?,
            },
        })
    }
}
