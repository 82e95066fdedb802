//! Forgetting what was counted: of an account that is gone or is unlocked, and of names from before
//! accounts had them.

use edge_auth_core::account::UserId;
use edge_auth_core::throttle::NameHash;

use super::Attempts;
use crate::store::{Authority, Statement, caller_may, id_text};

/// The keys of account ?1: `!` is the character after the space that ends its id.
macro_rules! of_account {
    () => {
        "key > 'user ' || ?1 || ' ' AND key < 'user ' || ?1 || '!'"
    };
}

const FORGET_ACCOUNT: &str = concat!(
    "DELETE FROM attempts WHERE ",
    of_account!(),
    " AND NOT EXISTS (SELECT 1 FROM users WHERE id = ?1)"
);

const UNLOCK: &str = concat!(
    "UPDATE attempts SET failures = 0 WHERE ",
    of_account!(),
    " AND failures > 0 AND ",
    caller_may!("?2")
);

/// The waits at the names ?1, a JSON array of hashes, from all addresses.
macro_rules! of_names {
    ($kind:literal) => {
        concat!(
            "DELETE FROM attempts WHERE key IN (SELECT one.key FROM json_each(?1) AS name \
             CROSS JOIN attempts AS one ON one.key > '",
            $kind,
            " ' || name.value || ' ' AND one.key < '",
            $kind,
            " ' || name.value || '!') AND ",
            caller_may!("?2")
        )
    };
}

const FORGET_PAIRS: &str = of_names!("pair");

const FORGET_NAMES: &str = of_names!("name");

impl Attempts<'_> {
    /// The statement that forgets all of an account, to be run after it was deleted.
    pub(in crate::store) fn account_forgotten(id: UserId) -> Statement {
        Statement(FORGET_ACCOUNT, vec![id_text(id)])
    }

    /// The statements that forget the failures of an account and the waits at its names.
    pub(in crate::store) fn unlocked(
        id: UserId,
        names: &[NameHash],
        authority: &Authority<'_>,
    ) -> [Statement; 2] {
        let [pairs, _] = Self::names_forgotten(names, authority);
        let values = vec![id_text(id), authority.value()];
        [Statement(UNLOCK, values), pairs]
    }

    /// The statements that forget what was counted of names before accounts had them.
    pub(in crate::store) fn names_forgotten(
        names: &[NameHash],
        authority: &Authority<'_>,
    ) -> [Statement; 2] {
        let names: Vec<_> = names.iter().map(NameHash::as_str).collect();
        let values = vec![
            serde_json::Value::from(names).to_string().into(),
            authority.value(),
        ];
        [
            Statement(FORGET_PAIRS, values.clone()),
            Statement(FORGET_NAMES, values),
        ]
    }
}
