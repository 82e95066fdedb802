//! What a right password, a registration and a refresh change.

use wasm_bindgen::JsValue;

use super::{Attempts, FAMILIAR, FAMILIAR_WHEN_WRITTEN};
use crate::store::outbox::{Notice, Queued, queued};
use crate::store::{Row, Statement, StoreError, id_number, id_text, millis, number};
use edge_auth_core::account::UserId;
use edge_auth_core::throttle::{AccountKeys, AddressHash, AttemptKeys};
use edge_auth_core::time::UnixMillis;

/// Whether a right password from `$here` takes failures in the row of `$everywhere` back: those of all
/// after a day, its own at once. A familiar address has none there.
macro_rules! takes_back {
    ($everywhere:literal, $here:literal, $now:literal) => {
        concat!(
            "key = ",
            $everywhere,
            " AND failures > 0 AND (counted_at <= ",
            $now,
            " - 86400000 OR EXISTS (SELECT 1 FROM attempts AS here WHERE here.key = ",
            $here,
            " AND here.familiar_until <= ",
            $now,
            " AND here.failures > 0))"
        )
    };
}

/// ?1 everywhere, ?2 here, ?3 now.
const TAKE_BACK: &str = concat!(
    "UPDATE attempts SET failures = CASE WHEN counted_at <= ?3 - 86400000 THEN 0 \
       ELSE max(0, failures - (SELECT here.failures FROM attempts AS here WHERE here.key = ?2)) END \
     WHERE ",
    takes_back!("?1", "?2", "?3")
);

/// All failures of account ?1.
const TAKE_ALL_BACK: &str = "UPDATE attempts SET failures = 0 \
    WHERE key > 'user ' || ?1 || ' ' AND key < 'user ' || ?1 || '!' AND failures > 0";

/// Whether a right password counts, and what there is to write if it does. ?1 pair, ?2 address,
/// ?3 here, ?4 everywhere, ?5 now, ?6 until when the address need not be noted as familiar again,
/// ?7 the account, which still has to be at its epoch ?8.
const MAY_SUCCEED: &str = concat!(
    "SELECT NOT EXISTS (SELECT 1 FROM attempts WHERE key IN (?1, ?2) AND closed_until > ?5) \
       AND (",
    is_open_to_strangers!("?4", "?5"),
    " OR ",
    is_familiar!("?3", "?5", " < "),
    "), NOT EXISTS (SELECT 1 FROM attempts WHERE key = ?3 AND familiar_until >= ?6 AND failures = 0), \
      EXISTS (SELECT 1 FROM attempts WHERE key = ?1), \
      EXISTS (SELECT 1 FROM attempts WHERE ",
    takes_back!("?4", "?3", "?5"),
    "), EXISTS (SELECT 1 FROM users WHERE id = ?7 AND epoch = ?8 AND disabled = 0), \
      NOT EXISTS (SELECT 1 FROM attempts WHERE key = ?3 AND familiar_until > ?5)"
);

/// Whether what somebody has shown may count.
#[derive(Debug)]
pub enum Chance {
    /// It counts.
    Open(Success),
    /// The pair, the address or the account is closed.
    Closed,
    /// The account is no longer as it was when the password was looked at.
    Changed,
}

/// What there is to write once somebody is signed in: a factor alone takes no failures back and makes no
/// address familiar.
#[derive(Debug)]
#[must_use]
pub struct Success {
    id: UserId,
    pair: Option<JsValue>,
    everywhere: Option<JsValue>,
    takes_all_back: bool,
    here: JsValue,
    familiar: bool,
    unfamiliar: bool,
    now: UnixMillis,
}

/// ?1 here, ?2 now, ?3 until when it is familiar, to account ?4.
const FAMILIAR_HERE: &str = "INSERT INTO attempts \
    (key, failures, counted_at, closed_until, expires_at, familiar_until) \
    SELECT ?1, 0, ?2, 0, ?2, ?3 FROM users WHERE id = ?4 ON CONFLICT (key) DO UPDATE SET \
    failures = 0, expires_at = excluded.expires_at, familiar_until = excluded.familiar_until";

const FORGET: &str = "DELETE FROM attempts WHERE key = ?1";

/// ?1 the address's hash, ?2 now, ?3 until when it is familiar; only if ?4 has the stored password
/// ?5, which no two accounts share.
const REGISTERED: &str = "INSERT INTO attempts \
    (key, failures, counted_at, closed_until, expires_at, familiar_until) \
    SELECT 'user ' || id || ' ' || ?1, 0, ?2, 0, ?2, ?3 FROM users \
    WHERE email = ?4 AND password_hash = ?5";

/// ?1 the account, ?2 the address's hash, ?3 now, ?4 until when it is familiar.
const REFRESHED: &str = "INSERT INTO attempts \
    (key, failures, counted_at, closed_until, expires_at, familiar_until) \
    SELECT 'user ' || id || ' ' || ?2, 0, ?3, 0, ?3, ?4 FROM users WHERE id = ?1 \
    ON CONFLICT (key) DO UPDATE SET familiar_until = excluded.familiar_until";

impl Attempts<'_> {
    /// What a passkey changes, which no limit on passwords binds, and which takes all failures of the
    /// account back; `None` where the account is no longer at that epoch.
    ///
    /// # Errors
    /// The database failed.
    pub async fn passkey(
        &self,
        keys: &AttemptKeys,
        account: &AccountKeys,
        at: (UserId, u64),
        now: UnixMillis,
    ) -> Result<Option<Success>, StoreError> {
        let (_, success) = self.look(keys, account, at, now).await?;
        Ok(success.map(|success| Success {
            takes_all_back: true,
            ..success
        }))
    }

    /// Whether what was right for `account` may count, which was looked at when `id` had that epoch.
    ///
    /// # Errors
    /// The database failed.
    pub async fn may_succeed(
        &self,
        keys: &AttemptKeys,
        account: &AccountKeys,
        at: (UserId, u64),
        now: UnixMillis,
    ) -> Result<Chance, StoreError> {
        Ok(match self.look(keys, account, at, now).await? {
            (_, None) => Chance::Changed,
            (false, _) => Chance::Closed,
            (true, Some(success)) => Chance::Open(success),
        })
    }

    /// Whether the attempt is open, and what there is to write, unless the account has changed.
    async fn look(
        &self,
        keys: &AttemptKeys,
        account: &AccountKeys,
        (id, epoch): (UserId, u64),
        now: UnixMillis,
    ) -> Result<(bool, Option<Success>), StoreError> {
        let [pair, here, everywhere] =
            [&keys.pair, &account.here, &account.everywhere].map(|key| JsValue::from(key.as_str()));
        let values = [
            pair.clone(),
            keys.address.as_str().into(),
            here.clone(),
            everywhere.clone(),
            millis(now),
            millis(now.plus(FAMILIAR)),
            id_number(id),
            number(epoch),
        ];
        let row = self.0.first(MAY_SUCCEED, &values).await?;
        let row = row.ok_or_else(Row::missing)?;
        let says = |column| row.integer(column).map(|value| value != 0);
        let success = Success {
            id,
            pair: says(2)?.then_some(pair),
            everywhere: says(3)?.then_some(everywhere),
            takes_all_back: false,
            here,
            familiar: !says(1)?,
            unfamiliar: says(5)?,
            now,
        };
        Ok((says(0)?, says(4)?.then_some(success)))
    }

    /// Takes note of a sign-in. Where nothing changes, nothing is written. `unfamiliar` is how its owner
    /// is told, if at all, where the address was not familiar; the mail that tells it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn succeeded(
        &self,
        success: Success,
        unfamiliar: Option<Notice<'_>>,
    ) -> Result<Option<Queued>, StoreError> {
        let (id, now) = (success.id, millis(success.now));
        let mut statements = Vec::new();
        let notice = unfamiliar.filter(|_| success.unfamiliar);
        let tells = notice.is_some();
        statements.extend(notice.map(|notice| notice.statement(id)));
        if success.takes_all_back {
            let values = vec![id_text(id)];
            statements.push(Statement(TAKE_ALL_BACK, values));
        } else if let Some(everywhere) = success.everywhere {
            let values = vec![everywhere, success.here.clone(), now.clone()];
            statements.push(Statement(TAKE_BACK, values));
        }
        if !success.familiar {
            let until = millis(success.now.plus(FAMILIAR_WHEN_WRITTEN));
            let values = vec![success.here, now, until, id_number(id)];
            statements.push(Statement(FAMILIAR_HERE, values));
        }
        if let Some(pair) = success.pair {
            statements.push(Statement(FORGET, vec![pair]));
        }
        if statements.is_empty() {
            return Ok(None);
        }
        let first = self.0.batch(&statements).await?.filter(|_| tells);
        first.as_ref().map(queued).transpose()
    }

    /// The statement that makes an address familiar, to be run after the account was made.
    pub(in crate::store) fn registered(
        address: &AddressHash,
        email: JsValue,
        password_hash: &str,
        now: UnixMillis,
    ) -> Statement {
        let values = vec![
            address.as_str().into(),
            millis(now),
            millis(now.plus(FAMILIAR_WHEN_WRITTEN)),
            email,
            password_hash.into(),
        ];
        Statement(REGISTERED, values)
    }

    /// Takes note of a refresh from there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn refreshed(
        &self,
        id: UserId,
        address: &AddressHash,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let values = [
            id_text(id),
            address.as_str().into(),
            millis(now),
            millis(now.plus(FAMILIAR_WHEN_WRITTEN)),
        ];
        self.0.first(REFRESHED, &values).await?;
        Ok(())
    }

    /// The time up to which an address that is familiar for longer need not be noted again.
    pub(in crate::store) fn familiar_enough(now: UnixMillis) -> JsValue {
        millis(now.plus(FAMILIAR))
    }
}
