//! What the links of mails are for: what is known of one, and what is done with it.

use edge_auth_core::challenge::Kind;
use edge_auth_core::mail::{Browser, Language};

use crate::api::mail::{address, invitation, reset, shown};
use crate::api::sign_in::throttle;
use crate::app::App;
use crate::http::Refused;
use crate::http::form::Form;
use crate::pages::link::Shown;
use crate::platform::http::Incoming;
use crate::store::challenges::Open;

/// What a person has filled in; what was left empty is not there.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The account's password: of `verification` and `email_change`.
    pub(super) password: Option<String>,
    /// The password that it is to have: of `reset` and, if one is wanted, of `invitation`.
    pub(super) new_password: Option<String>,
    /// The name that the person goes by, of `invitation`, if it is to be another one.
    pub(super) name: Option<String>,
}

impl Fields {
    /// Takes the fields out of a form.
    pub(super) fn take(form: &mut Form) -> Self {
        Self {
            password: form.take("password"),
            new_password: form.take("new_password"),
            name: form.take("name"),
        }
    }
}

/// What the page of a link shows. It uses nothing up.
///
/// # Errors
/// [`Refused::Link`] of a link that is not good.
pub(super) async fn look(
    app: &App,
    language: Language,
    kind: Kind,
    token: &str,
) -> Result<Shown, Refused> {
    let looked = shown::Shown::link(token)?.look(app, kind, None).await?;
    let code = match kind {
        Kind::SignIn => app.config.challenge_keys.code(kind, looked.id()),
        _ => None,
    };
    let Open {
        account,
        new_email,
        asked_at,
        browser,
        ..
    } = looked.open;
    let email = account.user.email.unwrap_or_default();
    let (address, new_address) = match kind {
        Kind::EmailRevert => (new_email.unwrap_or_default(), Some(email)),
        _ => (email, new_email),
    };
    Ok(Shown {
        address,
        asked_at,
        browser: Browser::parse(&browser).describe(language),
        code: code.map(|code| code.as_str().to_owned()),
        has_password: account.has_password,
        new_address,
    })
}

/// Does what a link is for, and uses it up.
///
/// # Errors
/// [`Refused::Link`] of a link that is not good; [`Refused::WrongPassword`], [`Refused::PasswordRequired`],
/// [`Refused::Missing`] and [`Refused::Rule`] are shown beside their field, and the link stays good.
pub(super) async fn act(
    app: &App,
    request: &Incoming,
    kind: Kind,
    token: &str,
    fields: &Fields,
) -> Result<(), Refused> {
    let shown = shown::Shown::link(token)?;
    let Fields {
        password,
        new_password,
        name,
    } = fields;
    let (password, new_password) = (password.as_deref(), new_password.as_deref());
    match kind {
        Kind::Verification => address::verify_by(app, request, shown, None, password).await,
        Kind::EmailChange => address::confirm_by(app, request, shown, None, password).await,
        Kind::EmailRevert => {
            throttle::admit(&app.sign_in_limit, request).await?;
            address::revert_by(app, shown).await
        }
        Kind::Reset => {
            throttle::admit(&app.sign_in_limit, request).await?;
            let new = new_password.ok_or(Refused::Missing("new_password"))?;
            reset::by(app, request, shown, new).await
        }
        Kind::Invitation => {
            throttle::admit(&app.sign_in_limit, request).await?;
            let name = name.as_deref();
            let accepted = invitation::by(app, request, shown, new_password, name).await;
            accepted.map(drop)
        }
        // Its page has a code, which is typed elsewhere.
        Kind::SignIn => Err(Refused::Link),
    }
}
