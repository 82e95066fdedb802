//! Using a challenge up: one statement does, and those after it in its transaction change what they
//! change only if it was this request's.

use wasm_bindgen::JsValue;

use super::Challenges;
use crate::store::outbox::{Notice, Queued, due_at, outbox_columns, queued};
use crate::store::users::{Account, SigningIn, columns, signing_in, signing_in_columns};
use crate::store::{Statement, StoreError, id_number, millis, number, or_null, seconds};
use edge_auth_core::account::UserId;
use edge_auth_core::challenge::{ChallengeId, Kind};
use edge_auth_core::throttle::NameHash;
use edge_auth_core::time::UnixMillis;

/// A challenge that is to be used up, after [`Challenges::look`] or [`Challenges::try_code`].
#[derive(Debug)]
pub struct Spend<'a> {
    /// What it is for.
    pub kind: Kind,
    /// Its identifier.
    pub id: &'a ChallengeId,
    /// Its account, as it was looked at: it is used up only while epoch and proof are the same.
    pub account: &'a Account,
    /// Whether it was shown by its code, of which a try was counted.
    pub by_code: bool,
    /// Random; 22 characters.
    pub nonce: &'a str,
    /// The time.
    pub now: UnixMillis,
}

/// A password that comes with a challenge.
#[derive(Debug, Clone, Copy)]
pub struct NewPasswordOf<'a> {
    /// As it is stored.
    pub password_hash: &'a str,
    /// How its owner is told, if at all.
    pub notice: Option<Notice<'a>>,
}

/// Why a challenge was not used up.
#[derive(Debug, PartialEq, Eq)]
pub enum SpendError {
    /// Another account has the address.
    EmailTaken,
    /// The database failed.
    Store(StoreError),
}

/// Whoever registered an address of somebody else's cannot, by changing the password over and over, have
/// a reset come too late each time.
const SPEND: &str = "UPDATE challenges SET spent_by = ?2, tries = max(0, tries - ?3) \
    WHERE id = ?1 AND kind = ?4 AND spent_by IS NULL AND expires_at > ?5 \
      AND EXISTS (SELECT 1 FROM users WHERE users.id = user_id AND disabled = 0 \
        AND (epoch = ?6 OR (kind = 'reset' AND email_verified_at IS NULL)) \
        AND (email_verified_at IS NOT NULL) = ?7 \
        AND (kind = 'email_revert' OR users.email IS challenges.email)) \
    RETURNING 1";

/// The account of challenge ?1, if ?2 has used it up.
macro_rules! owner {
    () => {
        "(SELECT user_id FROM challenges WHERE challenges.id = ?1 AND spent_by = ?2)"
    };
}

const PROVE: &str = concat!(
    "UPDATE users SET email_verified_at = ?3, updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') \
     WHERE email_verified_at IS NULL AND id = ",
    owner!()
);

const SIGNING_IN: &str = concat!(
    "SELECT ",
    signing_in_columns!(),
    " FROM users WHERE id = ",
    owner!()
);

/// Whoever proves an address first finds nothing there of anybody else.
const CLEAR: [&str; 5] = [
    concat!("DELETE FROM passkeys WHERE user_id = ", owner!()),
    concat!("DELETE FROM totp WHERE user_id = ", owner!()),
    concat!("DELETE FROM recovery_codes WHERE user_id = ", owner!()),
    concat!("DELETE FROM identities WHERE user_id = ", owner!()),
    concat!(
        "UPDATE challenges SET spent_by = 'void' WHERE spent_by IS NULL AND user_id = ",
        owner!()
    ),
];

/// Whether the account signs in by one factor. Where it asks for two, whoever reads its mail could guess at
/// the second one again after each reset.
macro_rules! has_one_factor {
    () => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM totp WHERE secret IS NOT NULL AND totp.user_id = ",
            owner!(),
            ") AND NOT EXISTS (SELECT 1 FROM passkeys WHERE second_factor = 1 AND passkeys.user_id = ",
            owner!(),
            ")"
        )
    };
}

/// Failures of the account, and the addresses that are familiar to it.
const FORGET_ATTEMPTS: &str = concat!(
    "DELETE FROM attempts WHERE key > 'user ' || ",
    owner!(),
    " || ' ' AND key < 'user ' || ",
    owner!(),
    " || '!' AND ",
    has_one_factor!()
);

/// The waits at the names ?3, a JSON array of hashes.
const FORGET_PAIRS: &str = concat!(
    "DELETE FROM attempts WHERE ",
    owner!(),
    " IS NOT NULL AND key IN (SELECT one.key FROM json_each(?3) AS name \
     CROSS JOIN attempts AS one ON one.key > 'pair ' || name.value || ' ' \
       AND one.key < 'pair ' || name.value || '!') AND ",
    has_one_factor!()
);

/// Password ?3, or none; name ?4, if it is given; the time ?5, and in seconds ?6.
const TAKE_OVER: &str = concat!(
    "UPDATE users SET password_hash = ?3, name = coalesce(?4, name), email_verified_at = ?5, \
       epoch = epoch + 1, tokens_valid_after = ?6, \
       updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') WHERE id = ",
    owner!()
);

/// What was sent of this account before its new password ?3, but for what takes a change of address
/// back: whoever changed the address could have it void otherwise.
const VOID_OTHERS: &str = concat!(
    "UPDATE challenges SET spent_by = 'void' WHERE spent_by IS NULL AND kind <> 'email_revert' \
     AND user_id = ",
    owner!()
);

const SET_PASSWORD: &str = concat!(
    "UPDATE users SET password_hash = ?3, epoch = epoch + 1, tokens_valid_after = ?4, \
       updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') WHERE id = ",
    owner!()
);

/// The account's new password ?2 voids what was sent; not the reset of one that nobody has proven,
/// whose owner may be another than who knows the password.
const VOID_BY_PASSWORD: &str = "UPDATE challenges SET spent_by = 'void' \
    WHERE user_id = ?1 AND spent_by IS NULL AND kind <> 'email_revert' AND EXISTS \
      (SELECT 1 FROM users WHERE users.id = ?1 AND password_hash IS ?2 \
        AND NOT (challenges.kind = 'reset' AND email_verified_at IS NULL))";

/// ?3 the time, ?4 the challenge that takes it back, ?5 the hash of the address before, ?6 until when.
const KEEP_FORMER: &str = "INSERT INTO challenges \
       (id, kind, recipient_hash, user_id, email, new_email, created_at, expires_at, browser) \
     SELECT ?4, 'email_revert', ?5, users.id, challenges.new_email, users.email, ?3, ?6, ?7 \
     FROM challenges JOIN users ON users.id = challenges.user_id \
     WHERE challenges.id = ?1 AND spent_by = ?2 AND email_verified_at IS NOT NULL";

const CHANGE_EMAIL: &str = concat!(
    "UPDATE users SET email_verified_at = ?3, updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now'), \
       email = (SELECT new_email FROM challenges WHERE challenges.id = ?1) WHERE id = ",
    owner!()
);

/// The notice to the address before, of the challenge ?1 that takes the change back.
const NOTICE_OF_FORMER: &str = concat!(
    "INSERT INTO outbox (",
    outbox_columns!(),
    ") SELECT ?2, challenges.id, 'email_changed', user_id, challenges.id, new_email, language, \
       challenges.created_at, expires_at, browser, NULL \
     FROM challenges JOIN users ON users.id = user_id WHERE challenges.id = ?1 RETURNING ",
    outbox_columns!()
);

const REVERT_EMAIL: &str = concat!(
    "UPDATE users SET email_verified_at = ?3, epoch = epoch + 1, tokens_valid_after = ?4, \
       updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now'), \
       email = (SELECT new_email FROM challenges WHERE challenges.id = ?1) WHERE id = ",
    owner!()
);

/// What was sent since the change that ?1 takes back, to addresses that are the account's no more.
const VOID_SINCE: &str = concat!(
    "UPDATE challenges SET spent_by = 'void' WHERE spent_by IS NULL AND user_id = ",
    owner!(),
    " AND (kind <> 'email_revert' OR created_at >= \
       (SELECT former.created_at FROM challenges AS former WHERE former.id = ?1))"
);

/// What takes the place of a former address, in a change of it.
#[derive(Debug)]
pub struct Former<'a> {
    /// The challenge by which the change is taken back.
    pub id: &'a ChallengeId,
    /// The keyed hash of the address before.
    pub recipient_hash: &'a str,
    /// The browser that changes it.
    pub browser: &'a str,
    /// Whether its reader is told.
    pub is_told: bool,
}

impl Spend<'_> {
    fn own(&self, rest: impl IntoIterator<Item = JsValue>) -> Vec<JsValue> {
        let mut values = vec![self.id.as_str().into(), self.nonce.into()];
        values.extend(rest);
        values
    }

    fn is_proven(&self) -> bool {
        self.account.email_verified_at.is_some()
    }

    fn seconds(&self) -> JsValue {
        seconds(self.now.seconds())
    }

    fn spend(&self) -> Statement {
        let values = self.own([
            u32::from(self.by_code).into(),
            self.kind.name().into(),
            millis(self.now),
            number(self.account.epoch),
            u32::from(self.is_proven()).into(),
        ]);
        Statement(SPEND, values)
    }

    /// The statements of a first proof by somebody who need not be who registered: what is left is the
    /// account, its id, name, username and role, with that password or none.
    fn take_over(&self, password_hash: Option<&str>, name: Option<&str>) -> Vec<Statement> {
        let cleared = CLEAR.map(|statement| Statement(statement, self.own([])));
        let mut statements = Vec::from(cleared);
        statements.push(Statement(FORGET_ATTEMPTS, self.own([])));
        let values = [
            or_null(password_hash),
            or_null(name),
            millis(self.now),
            self.seconds(),
        ];
        statements.push(Statement(TAKE_OVER, self.own(values)));
        statements
    }
}

impl Challenges<'_> {
    /// Runs the statements after the one that uses the challenge up; the account after them, or `None`
    /// where it was used up meanwhile, or void. Of the last `mails` statements each may write a mail.
    async fn run(
        &self,
        spend: &Spend<'_>,
        then: Vec<Statement>,
        mails: usize,
    ) -> Result<Option<(SigningIn, Vec<Queued>)>, SpendError> {
        let mut statements = vec![spend.spend()];
        statements.extend(then);
        let last = statements.len();
        statements.push(Statement(SIGNING_IN, spend.own([])));
        let failed = |error: StoreError| {
            if error.is_duplicate_of("users.email") {
                SpendError::EmailTaken
            } else {
                SpendError::Store(error)
            }
        };
        let answers = self.0.batch_all(&statements).await.map_err(failed)?;
        let rows = |index: usize| answers.rows(u32::try_from(index).unwrap_or(u32::MAX));
        let read = || {
            let Some(row) = rows(last)?.into_iter().next() else {
                return Ok(None);
            };
            let mut queue = Vec::new();
            for index in last - mails..last {
                let row = rows(index)?.into_iter().next();
                queue.extend(row.as_ref().map(queued).transpose()?);
            }
            Ok(Some((signing_in(&row)?, queue)))
        };
        read().map_err(SpendError::Store)
    }

    /// Proves the address; all of the account stays as it is.
    ///
    /// # Errors
    /// See [`SpendError`].
    pub async fn verify(&self, spend: &Spend<'_>) -> Result<Option<Account>, SpendError> {
        let proved = Statement(PROVE, spend.own([millis(spend.now)]));
        let ran = self.run(spend, vec![proved], 0).await?;
        Ok(ran.map(|(owner, _)| owner.account))
    }

    /// Sets a new password, and proves the address. Sessions and tokens are over, other challenges void,
    /// failures forgotten unless a second factor is on; `names` are the account's.
    ///
    /// # Errors
    /// See [`SpendError`].
    pub async fn reset(
        &self,
        spend: &Spend<'_>,
        new: NewPasswordOf<'_>,
        names: &[NameHash],
    ) -> Result<Option<(Account, Vec<Queued>)>, SpendError> {
        let names: Vec<_> = names.iter().map(NameHash::as_str).collect();
        let names = serde_json::Value::from(names).to_string();
        let mut statements = if spend.is_proven() {
            let values = [new.password_hash.into(), spend.seconds()];
            vec![
                Statement(VOID_OTHERS, spend.own([])),
                Statement(FORGET_ATTEMPTS, spend.own([])),
                Statement(SET_PASSWORD, spend.own(values)),
            ]
        } else {
            spend.take_over(Some(new.password_hash), None)
        };
        statements.push(Statement(FORGET_PAIRS, spend.own([names.into()])));
        // Who proves the address just now knows.
        let notice = new.notice.filter(|_| spend.is_proven());
        let mails = usize::from(notice.is_some());
        statements.extend(
            notice.map(|notice| notice.of_password(spend.account.user.id, Some(new.password_hash))),
        );
        let ran = self.run(spend, statements, mails).await?;
        Ok(ran.map(|(owner, mails)| (owner.account, mails)))
    }

    /// Lets somebody in who reads mail to the address. If nobody had proven it, nothing of what there
    /// was before stays.
    ///
    /// # Errors
    /// See [`SpendError`].
    pub async fn sign_in(&self, spend: &Spend<'_>) -> Result<Option<SigningIn>, SpendError> {
        let statements = if spend.is_proven() {
            Vec::new()
        } else {
            spend.take_over(None, None)
        };
        let ran = self.run(spend, statements, 0).await?;
        Ok(ran.map(|(owner, _)| owner))
    }

    /// Takes over an account that was made for somebody, with that password, if any, and name.
    ///
    /// # Errors
    /// See [`SpendError`].
    pub async fn accept(
        &self,
        spend: &Spend<'_>,
        password_hash: Option<&str>,
        name: Option<&str>,
    ) -> Result<Option<SigningIn>, SpendError> {
        let statements = spend.take_over(password_hash, name);
        let ran = self.run(spend, statements, 0).await?;
        Ok(ran.map(|(owner, _)| owner))
    }

    /// Gives the account its new address. If the former one was proven its reader can take that back.
    ///
    /// # Errors
    /// See [`SpendError`].
    pub async fn change_email(
        &self,
        spend: &Spend<'_>,
        former: &Former<'_>,
    ) -> Result<Option<(Account, Vec<Queued>)>, SpendError> {
        let kept = spend.own([
            millis(spend.now),
            former.id.as_str().into(),
            former.recipient_hash.into(),
            millis(spend.now.plus(Kind::EmailRevert.life())),
            former.browser.into(),
        ]);
        let mut statements = vec![
            Statement(KEEP_FORMER, kept),
            Statement(CHANGE_EMAIL, spend.own([millis(spend.now)])),
        ];
        if former.is_told {
            let values = vec![former.id.as_str().into(), due_at(spend.now)];
            statements.push(Statement(NOTICE_OF_FORMER, values));
        }
        let mails = usize::from(former.is_told);
        let ran = self.run(spend, statements, mails).await?;
        Ok(ran.map(|(owner, mails)| (owner.account, mails)))
    }

    /// Gives the account its former address back, and ends its sessions and tokens.
    ///
    /// # Errors
    /// See [`SpendError`].
    pub async fn revert_email(&self, spend: &Spend<'_>) -> Result<Option<Account>, SpendError> {
        let reverted = spend.own([millis(spend.now), spend.seconds()]);
        let statements = vec![
            Statement(VOID_SINCE, spend.own([])),
            Statement(REVERT_EMAIL, reverted),
        ];
        let ran = self.run(spend, statements, 0).await?;
        Ok(ran.map(|(owner, _)| owner.account))
    }
}

/// The statement by which a new password of `user`, or that there is none any more, voids what was
/// sent, to be run after it was stored.
pub(in crate::store) fn voided_by_password(user: UserId, password_hash: Option<&str>) -> Statement {
    let values = vec![id_number(user), or_null(password_hash)];
    Statement(VOID_BY_PASSWORD, values)
}
