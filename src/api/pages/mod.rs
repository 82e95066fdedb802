//! Pages for people, which a browser shows.

mod actions;
mod confirm;
mod passkeys;
mod second_factor;
mod security;
mod session;
mod sign_in;
mod sign_up;
mod two_step;

use crate::app::App;
use crate::config::PublicUrl;
use crate::dialect;
use crate::http::form::Form;
use crate::http::routes::{Method, Methods, Route, Surface, handler};
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;

/// A page of these methods. None is answered by a replica, which may not know yet what was done a moment ago.
const fn page(path: &'static str, methods: &'static [Method]) -> Route {
    Route {
        path,
        methods: Methods::Each(methods),
        surface: Surface::Page,
    }
}

/// The routes of this area.
pub(super) const ROUTES: &[Route] = &[
    page(
        "/sign-in",
        &[
            Method::new("GET", handler!(sign_in::show)),
            Method::new("POST", handler!(sign_in::submit)),
        ],
    ),
    page(
        "/sign-in/code",
        &[Method::new("POST", handler!(sign_in::send_code)).by_mail()],
    ),
    page(
        "/sign-in/code/verify",
        &[Method::new("POST", handler!(sign_in::verify_code)).by_mail()],
    ),
    page(
        "/sign-in/passkey",
        &[Method::new("POST", handler!(sign_in::by_passkey))],
    ),
    page(
        "/sign-in/second-factor",
        &[Method::new("POST", handler!(sign_in::second_factor))],
    ),
    page(
        "/sign-out",
        &[Method::new("POST", handler!(session::sign_out))],
    ),
    page(
        "/sign-up",
        &[
            Method::new("GET", handler!(sign_up::show)),
            Method::new("POST", handler!(sign_up::submit)),
        ],
    ),
    page(
        "/.well-known/change-password",
        &[Method::get(handler!(change_password))],
    ),
    page(
        "/account/security",
        &[Method::new("GET", handler!(security::show))],
    ),
    page(
        "/account/security/session",
        &[Method::new("POST", handler!(security::end_session))],
    ),
    page(
        "/account/security/other-sessions",
        &[Method::new("POST", handler!(security::end_other_sessions))],
    ),
    page(
        "/account/security/password",
        &[Method::new("POST", handler!(security::change_password))],
    ),
    page(
        "/account/security/address",
        &[Method::new("POST", handler!(security::change_address)).by_mail()],
    ),
    page(
        "/account/security/address/confirm",
        &[Method::new("POST", handler!(security::confirm_address)).by_mail()],
    ),
    page(
        "/account/security/totp",
        &[Method::new("POST", handler!(two_step::set_up))],
    ),
    page(
        "/account/security/totp/verify",
        &[Method::new("POST", handler!(two_step::verify))],
    ),
    page(
        "/account/security/totp/off",
        &[Method::new("POST", handler!(two_step::switch_off))],
    ),
    page(
        "/account/security/recovery-codes",
        &[Method::new("POST", handler!(two_step::replace_codes))],
    ),
    page(
        "/account/security/passkey",
        &[
            Method::new("GET", handler!(passkeys::show)),
            Method::new("POST", handler!(passkeys::add)),
        ],
    ),
    page(
        "/account/security/passkey/name",
        &[Method::new("POST", handler!(passkeys::rename))],
    ),
    page(
        "/account/security/passkey/second-factor",
        &[Method::new("POST", handler!(passkeys::set_second_factor))],
    ),
    page(
        "/account/security/passkey/remove",
        &[Method::new("POST", handler!(passkeys::remove))],
    ),
    page(
        "/account/confirm",
        &[
            Method::new("GET", handler!(confirm::show)),
            Method::new("POST", handler!(confirm::submit)),
        ],
    ),
    Route {
        path: "/account/*",
        methods: Methods::Any(Method::get(handler!(nothing))),
        surface: Surface::Page,
    },
];

/// What is not there is said on a page as well.
async fn nothing(_app: &App, _request: &Incoming) -> Result<Reply, Refused> {
    Err(Refused::NotFound)
}

/// `GET /.well-known/change-password` (W3C, A Well-Known URL for Changing Passwords): where a password manager leads its user.
async fn change_password(_app: &App, _request: &Incoming) -> Result<Reply, Refused> {
    Ok(Reply::see_other("/account/security#password"))
}

/// The form that a page of this service has sent.
async fn read_form(app: &App, request: &Incoming) -> Result<Form, Refused> {
    let origin = app.config.public_url.as_ref().map(PublicUrl::origin);
    Form::read(request, origin).await
}

/// The status of a refusal that is said beside a field.
fn status_of(app: &App, request: &Incoming, refused: Refused) -> Result<u16, Refused> {
    let refusal = dialect::refusal(Surface::Page, request, app.config.site(), refused);
    Ok(refusal?.status)
}
