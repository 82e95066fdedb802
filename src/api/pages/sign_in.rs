//! `/sign-in`: by a password, by a code that was sent by mail, by a passkey, and by a second factor.

use edge_auth_core::proof::Method;
use edge_auth_core::sign_in::SignedIn;
use edge_auth_core::throttle::AttemptedName;

use super::session::{self, Way};
use super::{passkeys, read_form, second_factor, status_of};
use crate::api::mail::code;
use crate::api::mail::shown::Shown;
use crate::api::passkeys::sign_in_options;
use crate::api::sign_in::second_factor::Factor;
use crate::api::sign_in::{flow, passkey, password, throttle};
use crate::app::App;
use crate::http::caller;
use crate::http::form::Form;
use crate::http::refused::SecondFactorRequired;
use crate::http::{Refused, Reply};
use crate::pages::Layout;
use crate::pages::field_problem::FieldProblem;
use crate::pages::form::{self, Around, CodeFor, SecondFactor, SignIn};
use crate::platform::http::Incoming;
use crate::platform::unicode;

/// `GET /sign-in`. Whoever is signed in is led on, unless they are to show it again.
pub(super) async fn show(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut query = Form::of_query(request).unwrap_or_default();
    let mut way = Way::take(&mut query);
    let mut username = String::new();
    match caller::of_page(app, request).await? {
        Some(_) if !way.is_again => return Ok(Reply::see_other(way.next)),
        Some(caller) => {
            let user = caller.account.user;
            username = user.email.or(user.username).unwrap_or_default();
        }
        None => way.is_again = false,
    }
    page(app, request, 200, way, &username, None)
}

/// `POST /sign-in`, by the form of that page.
pub(super) async fn submit(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut form = read_form(app, request).await?;
    let way = Way::take(&mut form);
    let (username, password) = (form.take("username"), form.take("password"));
    let tried = by_password(app, request, username.as_deref(), password.as_deref()).await;
    let refused = match finish(app, request, way, tried).await {
        Ok(reply) => return Ok(reply),
        Err(refused) => refused,
    };
    let username = username.unwrap_or_default();
    let (status, problem) = beside_field(app, request, refused)?;
    page(app, request, status, way, &username, Some(&problem))
}

async fn by_password(
    app: &App,
    request: &Incoming,
    username: Option<&str>,
    password: Option<&str>,
) -> Result<SignedIn, Refused> {
    let address = throttle::admit(&app.sign_in_limit, request).await?;
    let username = username.ok_or(Refused::Missing("username"))?;
    let password = password.ok_or(Refused::Missing("password"))?;
    let name = AttemptedName::username(username, unicode::HOST);
    let signing_in = password::sign_in(app, request, &address, &name, password).await?;
    flow::after(
        app,
        request,
        &signing_in,
        flow::Shown::by(Method::Password, false),
    )
    .await
}

/// `POST /sign-in/code`, by the other button of the same form: a code is sent, if there is an account. The answer is the
/// same if there is none.
pub(super) async fn send_code(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut form = read_form(app, request).await?;
    let way = Way::take(&mut form);
    let email = form.take("username");
    let sent = async {
        throttle::admit(&app.registration_limit, request).await?;
        let email = email.as_deref().ok_or(Refused::Missing("username"))?;
        code::send(app, request, email).await
    };
    match sent.await {
        Ok(id) => Ok(code_page(app, request, 200, way, id.as_str(), None)),
        Err(refused) => {
            let email = email.unwrap_or_default();
            let (status, problem) = beside_field(app, request, refused)?;
            // The one field for names takes an address as well.
            let problem = problem.at("username");
            page(app, request, status, way, &email, Some(&problem))
        }
    }
}

/// `POST /sign-in/code/verify`, by the form of the page for the code.
pub(super) async fn verify_code(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut form = read_form(app, request).await?;
    let way = Way::take(&mut form);
    let id = form.take("id").unwrap_or_default();
    let code = form.take("code");
    let tried = by_code(app, request, &id, code.as_deref()).await;
    let refused = match finish(app, request, way, tried).await {
        Ok(reply) => return Ok(reply),
        Err(refused) => refused,
    };
    let (status, problem) = beside_field(app, request, refused)?;
    Ok(code_page(app, request, status, way, &id, Some(&problem)))
}

async fn by_code(
    app: &App,
    request: &Incoming,
    id: &str,
    code: Option<&str>,
) -> Result<SignedIn, Refused> {
    throttle::admit(&app.sign_in_limit, request).await?;
    let shown = shown_code(id, code)?;
    let signing_in = code::by(app, shown).await?;
    flow::after(
        app,
        request,
        &signing_in,
        flow::Shown::by(Method::Mail, false),
    )
    .await
}

/// The code as it was typed, of the challenge `id`.
pub(super) fn shown_code(id: &str, code: Option<&str>) -> Result<Shown, Refused> {
    let code = code.ok_or(Refused::Missing("code"))?;
    // As somebody may group it.
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    Shown::code(id, &code)
}

/// `POST /sign-in/passkey`, by the other form of that page.
pub(super) async fn by_passkey(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut form = read_form(app, request).await?;
    if app.config.passkeys.is_none() {
        return Err(Refused::NotFound);
    }
    let way = Way::take(&mut form);
    let credential = passkeys::credential(&mut form)?;
    let tried = async {
        throttle::allow(&app.sign_in_limit, request).await?;
        let (_, signed_in) = passkey::sign_in(app, request, &credential, false).await?;
        Ok(signed_in)
    };
    let refused = match finish(app, request, way, tried.await).await {
        Ok(reply) => return Ok(reply),
        Err(refused) => refused,
    };
    let (status, problem) = beside_field(app, request, refused)?;
    page(app, request, status, way, "", Some(&problem))
}

/// `POST /sign-in/second-factor`, by a form of the page for it.
pub(super) async fn second_factor(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut form = read_form(app, request).await?;
    let way = Way::take(&mut form);
    let open = Open::take(&mut form);
    let has_credential = form.has("credential");
    let shown = if has_credential {
        Ok(Factor::Passkey(passkeys::credential(&mut form)?))
    } else {
        let code = form.take("code").ok_or(Refused::Missing("code"));
        code.map(|code| second_factor::typed(&code))
    };
    let completed = async { second_factor::complete(app, request, &open.ticket, shown?).await };
    let refused = match finish(app, request, way, completed.await).await {
        Ok(reply) => return Ok(reply),
        Err(Refused::Ticket) => return ticket_is_over(app, request, way),
        Err(refused) => refused,
    };
    let (status, mut problem) = beside_field(app, request, refused)?;
    if has_credential {
        let texts = Layout::of(request, app.config.site()).texts;
        problem = FieldProblem::passkey_is_wrong(texts);
    }
    match second_factor_page(app, request, status, way, &open, Some(&problem)).await {
        Err(Refused::Ticket) => ticket_is_over(app, request, way),
        page => page,
    }
}

/// The page on which a sign-in begins anew.
fn ticket_is_over(app: &App, request: &Incoming, way: Way) -> Result<Reply, Refused> {
    let layout = Layout::of(request, app.config.site());
    let problem = FieldProblem::ticket_is_over(layout.texts);
    let status = status_of(app, request, Refused::Ticket)?;
    page(app, request, status, way, "", Some(&problem))
}

/// The session of whoever is signed in now, or the page for the factor that is still asked for.
async fn finish(
    app: &App,
    request: &Incoming,
    way: Way,
    tried: Result<SignedIn, Refused>,
) -> Result<Reply, Refused> {
    match tried {
        Ok(signed_in) => session::enter(app, request, &signed_in, way).await,
        Err(Refused::SecondFactor(Some(required))) => {
            let open = Open::of(&required, app.config.passkeys.is_some());
            second_factor_page(app, request, 200, way, &open, None).await
        }
        Err(refused) => Err(refused),
    }
}

/// The status and what is said of it, if a field or a passkey is why a form is refused.
pub(super) fn beside_field(
    app: &App,
    request: &Incoming,
    refused: Refused,
) -> Result<(u16, FieldProblem), Refused> {
    let layout = Layout::of(request, app.config.site());
    match FieldProblem::of(&refused, layout.texts) {
        Some(problem) => Ok((status_of(app, request, refused)?, problem)),
        None => Err(refused),
    }
}

fn page(
    app: &App,
    request: &Incoming,
    status: u16,
    way: Way,
    username: &str,
    problem: Option<&FieldProblem>,
) -> Result<Reply, Refused> {
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &way.hidden(),
        problem,
    };
    let sign_up = way.page("/sign-up");
    let offers_sign_up = app.config.registration_is_open && !way.is_again;
    let has_passkeys = app.config.passkeys.is_some();
    let options = has_passkeys.then(|| sign_in_options(app)).transpose()?;
    let options = options.map(|options| options.to_string());
    let sign_in = SignIn {
        username,
        is_again: way.is_again,
        sends_mail: app.config.mail.is_some(),
        sign_up: offers_sign_up.then_some(&sign_up),
        passkey: options.as_deref(),
        path: &way.page("/sign-in"),
    };
    Ok(form::sign_in(&around, &sign_in))
}

fn code_page(
    app: &App,
    request: &Incoming,
    status: u16,
    way: Way,
    id: &str,
    problem: Option<&FieldProblem>,
) -> Reply {
    let [next, again] = way.hidden();
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &[next, again, ("id", id)],
        problem,
    };
    form::code(&around, CodeFor::SignIn)
}

/// A sign-in that goes on with a second factor, as its pages keep it.
struct Open {
    ticket: String,
    /// Which factors its page offers. Whoever says otherwise changes no more than that.
    by_code: bool,
    by_passkey: bool,
}

impl Open {
    fn of(required: &SecondFactorRequired, has_passkeys: bool) -> Self {
        let factors = required.second_factors;
        Self {
            ticket: required.ticket.as_str().to_owned(),
            by_code: factors.totp || factors.recovery_codes,
            by_passkey: factors.passkeys && has_passkeys,
        }
    }

    fn take(form: &mut Form) -> Self {
        Self {
            ticket: form.take("ticket").unwrap_or_default(),
            by_code: form.take("by_code").is_some(),
            by_passkey: form.take("by_passkey").is_some(),
        }
    }
}

async fn second_factor_page(
    app: &App,
    request: &Incoming,
    status: u16,
    way: Way,
    open: &Open,
    problem: Option<&FieldProblem>,
) -> Result<Reply, Refused> {
    let mut passkey = None;
    if open.by_passkey {
        let options = second_factor::passkey_options(app, &open.ticket).await?;
        passkey = options.map(|options| options.to_string());
    }
    let factor = SecondFactor {
        by_code: open.by_code || passkey.is_none(),
        passkey: passkey.as_deref(),
    };
    let mark = |is_so| if is_so { "1" } else { "" };
    let [next, again] = way.hidden();
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &[
            next,
            again,
            ("ticket", &open.ticket),
            ("by_code", mark(open.by_code)),
            ("by_passkey", mark(open.by_passkey)),
        ],
        problem,
    };
    Ok(form::second_factor(&around, &factor))
}
