//! A forgotten password.

use edge_auth_core::challenge::Kind;
use edge_auth_core::mail;
use edge_auth_core::throttle::AttemptedName;

use super::asked_by_anybody;
use super::shown::Shown;
use crate::api::asking;
use crate::api::sign_in::{new_password, throttle};
use crate::app::App;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::audit::Action;
use crate::store::challenges::{Challenges, NewPasswordOf};
use crate::store::users::Account;

/// `POST /api/auth/password/forgot`.
pub(super) async fn forgot(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    asked_by_anybody(app, request, (Kind::Reset, mail::Kind::Reset)).await
}

/// `POST /api/auth/password/reset`.
pub(super) async fn reset(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    throttle::admit(&app.sign_in_limit, request).await?;
    let mut members = body::object(request).await?;
    let [new] = fields::required(&mut members, "new_password")?;
    let new = fields::string(new)?;
    let shown = Shown::take(&mut members)?;
    by(app, request, shown, &new).await?;
    Ok(Reply::empty())
}

/// Sets a new password. Link or code comes first: the rules that a password breaks tell of the account,
/// and one that is too weak uses nothing up.
pub(crate) async fn by(
    app: &App,
    request: &Incoming,
    shown: Shown,
    new: &str,
) -> Result<(), Refused> {
    let looked = shown.look(app, Kind::Reset, None).await?;
    let account = &looked.open.account;
    let user = &account.user;
    let hashed = async {
        let new = new_password::parse(app, "new_password", new, new_password::known(user)).await?;
        let hash = new_password::hash(app, request, &new).await;
        hash.map_err(Refused::from)
    };
    let hash = match hashed.await {
        Ok(hash) => hash,
        Err(refused) => return Err(looked.kept(app, refused).await),
    };
    let (nonce, browser) = (asking::random_id()?, asking::browser(request)?.code());
    let notice_id = asking::random_id()?;
    let spend = looked.spend(&nonce);
    let new = NewPasswordOf {
        password_hash: &hash,
        notice: app.notice(mail::Kind::PasswordChanged, &notice_id, &browser),
    };
    let names = names(account);
    let names: Vec<_> = names
        .iter()
        .map(|name| app.config.attempts.name(name))
        .collect();
    let spent = Challenges(&app.database).reset(&spend, new, &names).await;
    let (account, mail) = looked.spent(app, spent).await?;
    app.trace.by(account.user.id);
    app.trace.did(Action::PasswordReset, Some(account.user.id));
    asking::send(app, mail);
    Ok(())
}

/// The names by which an account signs in.
fn names(account: &Account) -> Vec<AttemptedName> {
    let user = &account.user;
    let names = [user.email.as_deref(), user.username.as_deref()];
    let names = names.into_iter().flatten();
    names
        .map(|name| AttemptedName::username(name, unicode::HOST))
        .collect()
}
