//! The table `recovery_codes`: keyed hashes of the codes that are left. `second_factors` uses them up; here
//! they are given.

use serde_json::Value;
use wasm_bindgen::JsValue;

use super::{Authority, Database, Statement, StoreError, caller_may, id_number, tickets};
use edge_auth_core::account::UserId;

/// The recovery codes in a D1 database.
#[derive(Debug)]
pub struct RecoveryCodes<'a>(pub &'a Database);

/// Whether a second factor of account ?1 is on.
macro_rules! is_any_on {
    () => {
        "(EXISTS (SELECT 1 FROM totp WHERE user_id = ?1 AND secret IS NOT NULL) \
          OR EXISTS (SELECT 1 FROM passkeys WHERE user_id = ?1 AND second_factor = 1))"
    };
}

/// Whether account ?1 was given the new code of the hash `$code` before, in the same transaction: what says
/// that the statement which decides was this request's.
macro_rules! given_after {
    ($code:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM recovery_codes AS given WHERE given.user_id = ?1 AND given.code_hash = ",
            $code,
            ")"
        )
    };
}
pub(super) use given_after;

/// The first statement of [`RecoveryCodes::replace`], which decides.
const GIVE: &str = concat!(
    "INSERT INTO recovery_codes (user_id, code_hash) SELECT ?1, value FROM json_each(?2) WHERE ",
    is_any_on!(),
    " AND ",
    caller_may!("?3"),
    " RETURNING 1"
);

/// The same right after a statement that changed one row.
const GIVE_AFTER: &str = "INSERT INTO recovery_codes (user_id, code_hash) \
    SELECT ?1, value FROM json_each(?2) WHERE changes() = 1";

/// Those from before.
const DELETE_OTHERS: &str = concat!(
    "DELETE FROM recovery_codes WHERE user_id = ?1 \
     AND code_hash NOT IN (SELECT value FROM json_each(?2)) AND ",
    given_after!("?3")
);

/// Those of account ?1, by the caller ?2, once nothing asks for them any more.
const DELETE_USELESS: &str = concat!(
    "DELETE FROM recovery_codes WHERE user_id = ?1 AND NOT ",
    is_any_on!(),
    " AND ",
    caller_may!("?2")
);

impl RecoveryCodes<'_> {
    /// Gives the caller codes of these keyed hashes in place of those that are left; false where no second
    /// factor is on, or the caller may not.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn replace(
        &self,
        hashes: &[String],
        authority: &Authority<'_>,
    ) -> Result<bool, StoreError> {
        let user = authority.user_id;
        let values = vec![id_number(user), list(hashes), authority.value()];
        let statements = [
            Statement(GIVE, values),
            others_deleted(user, hashes),
            tickets::voided(user, authority),
        ];
        Ok(self.0.batch(&statements).await?.is_some())
    }
}

/// The statements that give `user` codes in place of those that are left, to be run right after one that
/// changed one row.
pub(super) fn replaced(user: UserId, hashes: &[String]) -> [Statement; 2] {
    let give = Statement(GIVE_AFTER, vec![id_number(user), list(hashes)]);
    [give, others_deleted(user, hashes)]
}

/// The statement that deletes the codes of the caller where no second factor is on any more.
pub(super) fn useless_deleted(authority: &Authority<'_>) -> Statement {
    let values = vec![id_number(authority.user_id), authority.value()];
    Statement(DELETE_USELESS, values)
}

/// By which hash it is known that `hashes` were given.
pub(super) fn marker(hashes: &[String]) -> &str {
    hashes.first().map_or("", String::as_str)
}

fn others_deleted(user: UserId, hashes: &[String]) -> Statement {
    let values = vec![id_number(user), list(hashes), marker(hashes).into()];
    Statement(DELETE_OTHERS, values)
}

fn list(hashes: &[String]) -> JsValue {
    Value::from(hashes).to_string().into()
}
