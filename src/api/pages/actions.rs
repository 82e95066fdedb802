//! What the links of mails are for: what is known of one, and what is done with it.

use crate::app::App;
use crate::http::Refused;
use crate::http::form::Form;
use crate::pages::link::{LinkKind, Shown};
use crate::platform::http::Incoming;

/// What a person has filled in; what was left empty is not there.
#[derive(Debug, Default)]
#[allow(dead_code, reason = "passwords are read once there are challenges")]
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
pub(super) async fn look(_app: &App, _kind: LinkKind, _token: &str) -> Result<Shown, Refused> {
    Err(Refused::Link)
}

/// Does what a link is for, and uses it up.
///
/// # Errors
/// [`Refused::Link`] of a link that is not good; [`Refused::WrongPassword`], [`Refused::Missing`] and [`Refused::Rule`] are
/// shown beside their field, and the link stays good.
pub(super) async fn act(
    _app: &App,
    _request: &Incoming,
    _kind: LinkKind,
    _token: &str,
    _fields: &Fields,
) -> Result<(), Refused> {
    Err(Refused::Link)
}
