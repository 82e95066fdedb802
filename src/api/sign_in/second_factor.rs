//! The second factor: of a sign-in that has begun, and of one that is shown anew.

use edge_auth_core::account::User;
use edge_auth_core::factor::{RecoveryCode, TotpCode, TotpSecret};
use edge_auth_core::passkey::Purpose;
use edge_auth_core::proof::Method;
use edge_auth_core::sign_in::{SignedIn, TicketDigest};
use edge_auth_core::throttle::ClientAddress;
use edge_auth_core::{json, mail};
use serde_json::Value;

use super::{flow, throttle, tokens};
use crate::api::{asking, passkeys};
use crate::app::{App, Unexpected};
use crate::http::body::Members;
use crate::http::refused::TooMany;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::{clock, random};
use crate::store::attempts::{Attempts, Chance};
use crate::store::audit::Action;
use crate::store::second_factors::{Right, SecondFactorsOf, ShownBy};
use crate::store::tickets::Tickets;
use crate::store::users::Account;

/// What somebody shows as a second factor.
pub(crate) enum Factor {
    /// A one-time password; `None` of a text that cannot be one.
    Totp(Option<TotpCode>),
    /// A recovery code; likewise.
    RecoveryCode(Option<RecoveryCode>),
    /// What a browser says of a passkey.
    Passkey(Value),
}

impl Factor {
    /// The member `totp`, `recovery_code` or `passkey`; `None` where none is there.
    pub(crate) fn take(members: &mut Members) -> Result<Option<Self>, Refused> {
        if let Some(code) = fields::optional(members, "totp")? {
            return Ok(Some(Self::Totp(TotpCode::parse(&code))));
        }
        if let Some(code) = fields::optional(members, "recovery_code")? {
            return Ok(Some(Self::RecoveryCode(RecoveryCode::parse(&code))));
        }
        Ok(json::take(members, "passkey").map(Self::Passkey))
    }
}

/// `POST /api/auth/second-factor`.
pub(super) async fn second_factor(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let [ticket] = fields::required(&mut members, "ticket")?;
    let ticket = fields::string(ticket)?;
    let factor = Factor::take(&mut members)?;
    let factor = factor.ok_or(Refused::Missing("totp, recovery_code or passkey"))?;
    let completed = complete(app, request, &address, &ticket, factor).await?;
    let Completed {
        user,
        signed_in,
        offline_access,
    } = &completed;
    tokens::sign_in(app, request, user, signed_in, *offline_access).await
}

/// `POST /api/auth/second-factor/passkey-options`.
pub(super) async fn passkey_options(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let [ticket] = fields::required(&mut members, "ticket")?;
    let options = options(app, &fields::string(ticket)?).await?;
    Ok(Reply::json(200, &options))
}

/// Options for the passkeys that complete the sign-in of a ticket.
pub(crate) async fn options(app: &App, ticket: &str) -> Result<Value, Refused> {
    let digest = TicketDigest::of(ticket);
    let open = Tickets(&app.database).look(&digest, clock::now()).await?;
    let open = open.ok_or(Refused::Ticket)?;
    let first = open.credential_id.as_deref();
    passkeys::second_factor_options(app, open.half.user_id(), &digest, first).await
}

/// A sign-in that is complete.
pub(crate) struct Completed {
    /// The account.
    pub(crate) user: User,
    /// What tokens are made of.
    pub(crate) signed_in: SignedIn,
    /// Whether the first request asked for a refresh token.
    pub(crate) offline_access: bool,
}

/// Completes the sign-in of a ticket.
pub(crate) async fn complete(
    app: &App,
    request: &Incoming,
    address: &ClientAddress,
    ticket: &str,
    factor: Factor,
) -> Result<Completed, Refused> {
    let digest = TicketDigest::of(ticket);
    let open = Tickets(&app.database)
        .try_one(&digest, clock::now())
        .await?;
    let open = open.ok_or(Refused::Ticket)?;
    let account = &open.owner.account;
    let shown = ShownFactor {
        factor,
        by: ShownBy::Ticket(&digest),
        first_credential: open.credential_id.as_deref(),
    };
    let method = show(app, request, address, account, shown).await?;
    Ok(Completed {
        signed_in: open.half.completed(method, clock::now().seconds()),
        offline_access: open.offline_access,
        user: open.owner.account.user,
    })
}

/// What is shown as a second factor, and by whom.
pub(super) struct ShownFactor<'a> {
    /// What is shown.
    pub(super) factor: Factor,
    /// By whom.
    pub(super) by: ShownBy<'a>,
    /// The passkey that was the first factor, which is not the second one too.
    pub(super) first_credential: Option<&'a str>,
}

/// Shows a second factor of `account`, which uses it up. What is wrong counts as a wrong password does.
pub(super) async fn show(
    app: &App,
    request: &Incoming,
    address: &ClientAddress,
    account: &Account,
    shown: ShownFactor<'_>,
) -> Result<Method, Refused> {
    let id = account.user.id;
    let by = shown.by;
    let checked = check(app, account, shown).await?;
    let name = throttle::main_name(account);
    let keys = app.config.attempts.keys(&name, address);
    let account_keys = keys.account(Some(id));
    let attempts = Attempts(&app.database);
    if let Some((right, method)) = checked {
        let at = (id, account.epoch);
        let now = clock::now();
        // Limits on what can be guessed do not bind a passkey.
        let chance = if matches!(right, Right::Passkey(..)) {
            let success = attempts.passkey(&keys, &account_keys, at, now).await?;
            success.map_or(Chance::Changed, Chance::Open)
        } else {
            attempts.may_succeed(&keys, &account_keys, at, now).await?
        };
        match chance {
            Chance::Open(success) => {
                let (notice_id, browser) = (asking::random_id()?, asking::browser(request)?.code());
                let kind = match right {
                    Right::Passkey(..) => mail::Kind::PasskeyCounter,
                    Right::Totp { .. } | Right::RecoveryCode(_) => mail::Kind::RecoveryCodeUsed,
                };
                let notice = app.notice(kind, &notice_id, &browser);
                let factors = SecondFactorsOf(&app.database, id);
                let accepted = factors.accept(&right, by, notice, clock::now()).await?;
                if let Some(accepted) = accepted {
                    asking::send(app, accepted.mail);
                    match &right {
                        Right::RecoveryCode(_) => {
                            app.trace.did(Action::RecoveryCodeUsed, Some(id));
                        }
                        Right::Passkey(verified, _) if verified.counter_went_back => {
                            app.trace.did(Action::PasskeyCounter, Some(id));
                        }
                        Right::Passkey(..) | Right::Totp { .. } => {}
                    }
                    flow::note(app, request, account, success).await?;
                    return Ok(method);
                }
                // Whether a recovery code is right the database alone knows. Of any other factor somebody
                // else was faster by a moment, so it is no guess.
                if !matches!(right, Right::RecoveryCode(_)) {
                    return Err(Refused::SecondFactorWrong);
                }
            }
            Chance::Changed => return Err(Refused::Ticket),
            Chance::Closed => {}
        }
    }
    app.trace.did(Action::SecondFactorFailed, Some(id));
    let closed = attempts.failed(&keys, &account_keys, clock::now()).await?;
    throttle::remember(address, closed);
    Err(match closed.pair {
        Some(time) => TooMany::until(time).into(),
        None => Refused::SecondFactorWrong,
    })
}

/// What there is to accept, if the factor is right.
async fn check(
    app: &App,
    account: &Account,
    shown: ShownFactor<'_>,
) -> Result<Option<(Right, Method)>, Refused> {
    let id = account.user.id;
    Ok(match shown.factor {
        Factor::Passkey(credential) => {
            let purpose = match shown.by {
                ShownBy::Ticket(digest) => Purpose::SecondFactor {
                    ticket: digest.as_str(),
                },
                ShownBy::Caller(_) => Purpose::SignIn,
            };
            let passkey = match passkeys::shown(app, &credential, purpose).await {
                Ok(passkey) => passkey,
                Err(Refused::Passkey) => None,
                Err(refused) => return Err(refused),
            };
            let is_another = |passkey: &passkeys::Shown| {
                let credential_id = passkey.verified.credential_id.as_str();
                passkey.owned.owner.account.user.id == id
                    && Some(credential_id) != shown.first_credential
            };
            passkey.filter(is_another).map(|passkey| {
                let method = passkey.method();
                (Right::Passkey(passkey.verified, passkey.challenge), method)
            })
        }
        Factor::Totp(Some(code)) => {
            let right = check_totp(app, account, &code).await?;
            right.map(|right| (right, Method::OneTimePassword))
        }
        Factor::RecoveryCode(Some(code)) => {
            let keys = app.config.data_keys.iter();
            let keys = keys.flat_map(|keys| keys.keyed_hashes(RecoveryCode::PURPOSE));
            let hashes = keys.map(|key| code.hash(&key, id)).collect();
            Some((Right::RecoveryCode(hashes), Method::RecoveryCode))
        }
        Factor::Totp(None) | Factor::RecoveryCode(None) => None,
    })
}

async fn check_totp(
    app: &App,
    account: &Account,
    code: &TotpCode,
) -> Result<Option<Right>, Refused> {
    let id = account.user.id;
    let Some(totp) = SecondFactorsOf(&app.database, id).totp().await? else {
        return Ok(None);
    };
    let keys = app.config.data_keys.as_ref();
    let opened = keys.and_then(|keys| Some((keys, TotpSecret::open(&totp.secret, keys, id)?)));
    let (keys, opened) = opened.ok_or_else(|| {
        Unexpected::new(format_args!(
            "user {id}: neither DATA_KEY nor DATA_KEYS_RETIRED opens the secret of one-time passwords"
        ))
    })?;
    let now = clock::now().seconds();
    let Some(step) = opened.secret.matching_step(code, now, totp.last_step) else {
        return Ok(None);
    };
    let resealed = if opened.is_of_active {
        None
    } else {
        Some(opened.secret.seal(keys, id, random::bytes()?))
    };
    Ok(Some(Right::Totp { step, resealed }))
}
