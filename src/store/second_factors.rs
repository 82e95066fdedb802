//! Accepting a second factor: one statement does, and asks again for the ticket or the caller. What
//! follows it in its transaction is done only if it did.

use wasm_bindgen::JsValue;

use super::outbox::{Notice, Queued, queued};
use super::passkeys::{answer, noted};
use super::tickets::{ticket_is_good, used_up};
use super::{
    Authority, Database, Row, Statement, StoreError, caller_may, id_number, millis, number, or_null,
};
use edge_auth_core::account::UserId;
use edge_auth_core::passkey::{Challenge, Verified};
use edge_auth_core::sign_in::TicketDigest;
use edge_auth_core::time::UnixMillis;

/// The second factors in a D1 database.
#[derive(Debug)]
pub struct SecondFactorsOf<'a>(pub &'a Database, pub UserId);

/// The one-time passwords of an account.
#[derive(Debug)]
pub struct Totp {
    /// The secret, encrypted.
    pub secret: String,
    /// The step of the last code that was accepted.
    pub last_step: u64,
}

/// Who shows a second factor.
#[derive(Debug, Clone, Copy)]
pub enum ShownBy<'a> {
    /// Whoever has shown the first one just now.
    Ticket(&'a TicketDigest),
    /// Whoever is signed in.
    Caller(&'a Authority<'a>),
}

/// A second factor that is right, if nobody has used it meanwhile.
#[derive(Debug)]
pub enum Right {
    /// A one-time password.
    Totp {
        /// Its step.
        step: u64,
        /// The secret, encrypted anew, where a retired key had encrypted it.
        resealed: Option<String>,
    },
    /// A recovery code, by its keyed hashes under each of the keys.
    RecoveryCode(Vec<String>),
    /// A passkey that was used as it should, and the challenge that it answered.
    Passkey(Verified, Challenge),
}

/// A second factor that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The mail that tells the account's owner, if there is to be one.
    pub mail: Option<Queued>,
}

const TOTP: &str = "SELECT secret, last_step FROM totp WHERE user_id = ?1 AND secret IS NOT NULL";

/// Step ?4 of account ?3, and the secret ?5 in another form.
macro_rules! accept_totp {
    ($guard:expr) => {
        concat!(
            "UPDATE totp SET last_step = ?4, secret = coalesce(?5, secret) \
             WHERE user_id = ?3 AND secret IS NOT NULL AND last_step < ?4 AND ",
            $guard,
            " RETURNING 1"
        )
    };
}

const ACCEPT_TOTP_BY_TICKET: &str = accept_totp!(ticket_is_good!());

const ACCEPT_TOTP_BY_CALLER: &str = accept_totp!(caller_may!("?1"));

/// The code of account ?3 with one of the hashes ?4, a JSON array.
macro_rules! accept_recovery_code {
    ($guard:expr) => {
        concat!(
            "DELETE FROM recovery_codes WHERE user_id = ?3 \
             AND code_hash IN (SELECT value FROM json_each(?4)) AND ",
            $guard,
            " RETURNING 1"
        )
    };
}

const ACCEPT_RECOVERY_CODE_BY_TICKET: &str = accept_recovery_code!(ticket_is_good!());

const ACCEPT_RECOVERY_CODE_BY_CALLER: &str = accept_recovery_code!(caller_may!("?1"));

/// The challenge ?4, which is refused by its age from ?5 on, answered by the passkey ?6 of account ?3.
macro_rules! accept_passkey {
    ($guard:expr) => {
        concat!(
            "INSERT INTO answered_challenges (digest, expires_at) SELECT ?4, ?5 WHERE EXISTS \
               (SELECT 1 FROM passkeys WHERE credential_id = ?6 AND passkeys.user_id = ?3) AND ",
            $guard,
            " ON CONFLICT (digest) DO NOTHING RETURNING 1"
        )
    };
}

const ACCEPT_PASSKEY_BY_TICKET: &str = accept_passkey!(ticket_is_good!());

const ACCEPT_PASSKEY_BY_CALLER: &str = accept_passkey!(caller_may!("?1"));

impl ShownBy<'_> {
    /// The values ?1 and ?2 of the statement that accepts.
    fn values(self, now: UnixMillis) -> Vec<JsValue> {
        match self {
            Self::Ticket(digest) => vec![digest.as_str().into(), millis(now)],
            Self::Caller(authority) => vec![authority.value(), JsValue::NULL],
        }
    }

    /// The statement that asks for the ticket, or the one that asks for the caller.
    fn pick(self, by_ticket: &'static str, by_caller: &'static str) -> &'static str {
        match self {
            Self::Ticket(_) => by_ticket,
            Self::Caller(_) => by_caller,
        }
    }
}

impl SecondFactorsOf<'_> {
    /// The account's one-time passwords, if they are on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn totp(&self) -> Result<Option<Totp>, StoreError> {
        let row = self.0.first(TOTP, &[id_number(self.1)]).await?;
        let totp = |row: Row| {
            Ok(Totp {
                secret: row.required_text(0)?,
                last_step: row.unsigned(1)?.unwrap_or_default(),
            })
        };
        row.map(totp).transpose()
    }

    /// Accepts a second factor, which uses it up, and the ticket with it; `None` where it was used
    /// meanwhile, or whoever shows it may not any more. `notice` is how the account's owner is told of
    /// a recovery code, or of a counter that did not grow.
    ///
    /// # Errors
    /// The database failed, and nothing has changed.
    pub async fn accept(
        &self,
        right: &Right,
        by: ShownBy<'_>,
        notice: Option<Notice<'_>>,
        now: UnixMillis,
    ) -> Result<Option<Accepted>, StoreError> {
        let mut values = by.values(now);
        values.push(id_number(self.1));
        let accepted = match (right, by) {
            (Right::Totp { step, resealed }, by) => {
                values.extend([number(*step), or_null(resealed.as_deref())]);
                by.pick(ACCEPT_TOTP_BY_TICKET, ACCEPT_TOTP_BY_CALLER)
            }
            (Right::RecoveryCode(hashes), by) => {
                let hashes = serde_json::Value::from(hashes.as_slice());
                values.push(hashes.to_string().into());
                by.pick(
                    ACCEPT_RECOVERY_CODE_BY_TICKET,
                    ACCEPT_RECOVERY_CODE_BY_CALLER,
                )
            }
            (Right::Passkey(verified, challenge), by) => {
                values.extend(answer(challenge));
                values.push(verified.credential_id.as_str().into());
                by.pick(ACCEPT_PASSKEY_BY_TICKET, ACCEPT_PASSKEY_BY_CALLER)
            }
        };
        let mut statements = vec![Statement(accepted, values)];
        if let ShownBy::Ticket(digest) = by {
            statements.push(used_up(digest));
        }
        let notice = match right {
            Right::Totp { .. } => None,
            Right::RecoveryCode(_) => notice.map(|notice| notice.of_recovery_code(self.1)),
            Right::Passkey(verified, _) => {
                statements.push(noted(verified, now));
                let notice = notice.filter(|_| verified.counter_went_back);
                notice.map(|notice| notice.right_after(self.1))
            }
        };
        let tells = notice.is_some();
        let told = u32::try_from(statements.len()).unwrap_or(u32::MAX);
        statements.extend(notice);
        let answers = self.0.batch_all(&statements).await?;
        if answers.rows(0)?.is_empty() {
            return Ok(None);
        }
        let mail = if tells {
            answers.rows(told)?.first().map(queued).transpose()?
        } else {
            None
        };
        Ok(Some(Accepted { mail }))
    }
}
