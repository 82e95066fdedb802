//! `POST /api/auth/totp`, `POST /api/auth/totp/verify`, `DELETE /api/auth/totp`.

use edge_auth_core::account::User;
use edge_auth_core::factor::{QrCode, RecoveryCode, TotpCode, TotpSecret};
use edge_auth_core::mail;
use edge_auth_core::proof::Amr;
use serde_json::json;
use zeroize::Zeroizing;

use super::{data_keys, on, recovery_codes};
use crate::api::asking;
use crate::app::{App, Unexpected};
use crate::http::caller::{self, Caller};
use crate::http::refused::NO_NEW_TOTP_SECRET;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::{clock, random};
use crate::store::audit::Action;
use crate::store::totp::{Activation, TotpSecrets};

/// The text of a 409.
pub(crate) const NOT_ON: &str = "TOTP is not on";

/// `POST /api/auth/totp`.
pub(super) async fn post(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    data_keys(app)?;
    let caller = caller::authenticate(app, request).await?;
    let new = enrol(app, request, &caller).await?;
    let (uri, qr) = (new.uri(), new.qr_code()?);
    let body = json!({
        "qr": *qr.data_url(),
        "secret": *new.base32(),
        "uri": *uri,
    });
    Ok(Reply::json(201, &body))
}

/// `POST /api/auth/totp/verify`.
pub(super) async fn post_verify(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    data_keys(app)?;
    let caller = caller::authenticate(app, request).await?;
    let mut members = body::object(request).await?;
    let [code] = fields::required(&mut members, "code")?;
    let code = fields::string(code)?;
    let codes = verify(app, request, &caller, &code).await?;
    Ok(recovery_codes::reply(&codes))
}

/// `DELETE /api/auth/totp`.
pub(super) async fn delete(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = caller::authenticate(app, request).await?;
    switch_off(app, request, &caller).await?;
    Ok(Reply::empty())
}

/// A secret that an authenticator app is handed. It is not on yet.
pub(crate) struct Enrolment {
    secret: TotpSecret,
    issuer: String,
    account: String,
}

impl Enrolment {
    /// The secret, to be typed.
    pub(crate) fn base32(&self) -> Zeroizing<String> {
        self.secret.base32()
    }

    /// The secret with the names of service and account, to be opened on the app's device.
    pub(crate) fn uri(&self) -> Zeroizing<String> {
        self.secret.uri(&self.issuer, &self.account)
    }

    /// The same, to be read from the screen of another device.
    pub(crate) fn qr_code(&self) -> Result<QrCode, Unexpected> {
        let code = QrCode::new(&self.uri());
        code.ok_or_else(|| Unexpected::new("the names are too long for a QR code"))
    }
}

/// Gives the caller, who has signed in recently, a new secret. One that is on stays until a code of this one
/// is right, and it takes two factors to begin.
pub(crate) async fn enrol(
    app: &App,
    request: &Incoming,
    caller: &Caller,
) -> Result<Enrolment, Refused> {
    let keys = data_keys(app)?;
    caller::recent(caller)?;
    on(app, caller).await?;
    let user = &caller.account.user;
    let secret = TotpSecret::new(random::bytes()?);
    let sealed = secret.seal(keys, user.id, random::bytes()?);
    let secrets = TotpSecrets(&app.database);
    let authority = caller.authority(None);
    if !secrets.enrol(&sealed, &authority, clock::now()).await? {
        return Err(caller::revoked_meanwhile(app, request, caller).await);
    }
    Ok(Enrolment {
        secret,
        issuer: app.config.site().unwrap_or(&app.config.issuer).to_owned(),
        account: label(user).to_owned(),
    })
}

/// What an app shows beside the name of the service.
fn label(user: &User) -> &str {
    let name = user.email.as_ref().or(user.username.as_ref());
    name.unwrap_or(&user.name)
}

/// Switches one-time passwords on by the first code of the caller's new secret. Every other session of the
/// account ends, and every token without one. Gives the recovery codes that come with it.
pub(crate) async fn verify(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    code: &str,
) -> Result<Vec<RecoveryCode>, Refused> {
    let keys = data_keys(app)?;
    on(app, caller).await?;
    // What cannot be a code is no guess.
    let code = TotpCode::parse(code).ok_or(Refused::WrongCode)?;
    let id = caller.account.user.id;
    let (secrets, authority) = (TotpSecrets(&app.database), caller.authority(None));
    let Some(new) = secrets.try_new(&authority).await? else {
        caller::ask_again(app, request, caller).await?;
        return Err(Refused::Conflict(NO_NEW_TOTP_SECRET));
    };
    let opened = TotpSecret::open(&new.sealed, keys, id).ok_or_else(|| {
        Unexpected::new(format_args!(
            "user {id}: neither DATA_KEY nor DATA_KEYS_RETIRED opens the new secret of one-time passwords"
        ))
    })?;
    let now = clock::now();
    // Nobody has used a code of it.
    let Some(step) = opened.secret.matching_step(&code, now.seconds(), 0) else {
        if new.is_last_try {
            secrets.drop_new(id, &new.sealed).await?;
        }
        return Err(Refused::WrongCode);
    };
    let codes = recovery_codes::random_codes()?;
    // Of the session, since a token need not say it.
    let amr = new.amr.as_ref().map(Amr::and_one_time_password);
    let (notice_id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let activation = Activation {
        sealed: &new.sealed,
        step,
        recovery_codes: &recovery_codes::hashes(keys, id, &codes),
        amr: amr.as_ref(),
        notice: app.notice(mail::Kind::SecondFactorOn, &notice_id, &browser),
        now,
    };
    let Some(mail) = secrets.activate(&activation, &authority).await? else {
        // Somebody was faster by a moment: the caller twice, or somebody else.
        caller::ask_again(app, request, caller).await?;
        return Err(Refused::WrongCode);
    };
    app.trace.did(Action::TotpOn, Some(id));
    asking::send(app, mail);
    Ok(codes)
}

/// Switches one-time passwords off, for a caller who has signed in recently by two factors. Recovery codes
/// stay only where a passkey is still asked for.
pub(crate) async fn switch_off(
    app: &App,
    request: &Incoming,
    caller: &Caller,
) -> Result<(), Refused> {
    caller::recent(caller)?;
    if !on(app, caller).await?.totp {
        return Err(Refused::Conflict(NOT_ON));
    }
    let (notice_id, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let notice = app.notice(mail::Kind::SecondFactorOff, &notice_id, &browser);
    let (secrets, authority) = (TotpSecrets(&app.database), caller.authority(None));
    let Some(mail) = secrets.switch_off(notice, &authority).await? else {
        caller::ask_again(app, request, caller).await?;
        return Err(Refused::Conflict(NOT_ON));
    };
    app.trace.did(Action::TotpOff, Some(caller.account.user.id));
    asking::send(app, mail);
    Ok(())
}
