//! `/sign-in`: by a password, by a code that was sent by mail, and by a second factor.

use edge_auth_core::proof::Method;
use edge_auth_core::sign_in::SignedIn;
use edge_auth_core::throttle::AttemptedName;

use super::session::{self, Way};
use super::{read_form, second_factor, status_of};
use crate::api::mail::code;
use crate::api::mail::shown::Shown;
use crate::api::sign_in::{flow, password, throttle};
use crate::app::App;
use crate::http::caller;
use crate::http::form::Form;
use crate::http::{Refused, Reply};
use crate::pages::Layout;
use crate::pages::field_problem::FieldProblem;
use crate::pages::form::{self, Around, CodeFor, SignIn};
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
    Ok(page(app, request, 200, way, &username, None))
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
    beside_field(app, request, refused, |status, problem| {
        page(app, request, status, way, &username, Some(&problem))
    })
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
            beside_field(app, request, refused, |status, problem| {
                // The one field for names takes an address as well.
                let problem = problem.at("username");
                page(app, request, status, way, &email, Some(&problem))
            })
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
    beside_field(app, request, refused, |status, problem| {
        code_page(app, request, status, way, &id, Some(&problem))
    })
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

/// `POST /sign-in/second-factor`, by the form of the page for it.
pub(super) async fn second_factor(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut form = read_form(app, request).await?;
    let way = Way::take(&mut form);
    let ticket = form.take("ticket").unwrap_or_default();
    let code = form.take("code");
    let completed = async {
        let code = code.as_deref().ok_or(Refused::Missing("code"))?;
        second_factor::complete(app, request, &ticket, code).await
    };
    let refused = match finish(app, request, way, completed.await).await {
        Ok(reply) => return Ok(reply),
        Err(Refused::Ticket) => {
            let layout = Layout::of(request, app.config.site());
            let problem = FieldProblem::ticket_is_over(layout.texts);
            let status = status_of(app, request, Refused::Ticket)?;
            return Ok(page(app, request, status, way, "", Some(&problem)));
        }
        Err(refused) => refused,
    };
    beside_field(app, request, refused, |status, problem| {
        second_factor_page(app, request, status, way, &ticket, Some(&problem))
    })
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
            let ticket = required.ticket.as_str();
            Ok(second_factor_page(app, request, 200, way, ticket, None))
        }
        Err(refused) => Err(refused),
    }
}

/// The page that `page` makes if a field is why a form is refused.
pub(super) fn beside_field(
    app: &App,
    request: &Incoming,
    refused: Refused,
    page: impl FnOnce(u16, FieldProblem) -> Reply,
) -> Result<Reply, Refused> {
    let layout = Layout::of(request, app.config.site());
    match FieldProblem::of(&refused, layout.texts) {
        Some(problem) => Ok(page(status_of(app, request, refused)?, problem)),
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
) -> Reply {
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &way.hidden(),
        problem,
    };
    let sign_up = way.page("/sign-up");
    let offers_sign_up = app.config.registration_is_open && !way.is_again;
    let sign_in = SignIn {
        username,
        is_again: way.is_again,
        sends_mail: app.config.mail.is_some(),
        sign_up: offers_sign_up.then_some(&sign_up),
    };
    form::sign_in(&around, &sign_in)
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

fn second_factor_page(
    app: &App,
    request: &Incoming,
    status: u16,
    way: Way,
    ticket: &str,
    problem: Option<&FieldProblem>,
) -> Reply {
    let [next, again] = way.hidden();
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &[next, again, ("ticket", ticket)],
        problem,
    };
    form::second_factor(&around)
}
