//! `/sign-up`: an account is made.

use edge_auth_core::account::{Email, Name};

use super::session::{self, Way};
use super::sign_in::beside_field;
use super::{read_form, status_of};
use crate::api::accounts::register::{self, Registered, Registration};
use crate::api::sign_in::throttle;
use crate::app::App;
use crate::http::caller;
use crate::http::form::Form;
use crate::http::refused::EMAIL_TAKEN;
use crate::http::{Refused, Reply};
use crate::pages::Layout;
use crate::pages::field_problem::FieldProblem;
use crate::pages::form::{self, Around, SignUp};
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::sessions::Sessions;

/// `GET /sign-up`.
pub(super) async fn show(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    may_register(app)?;
    let mut query = Form::of_query(request).unwrap_or_default();
    let way = Way::take(&mut query);
    Ok(page(app, request, 200, way, &Fields::default(), None))
}

/// `POST /sign-up`, by the form of that page.
pub(super) async fn submit(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut form = read_form(app, request).await?;
    may_register(app)?;
    let way = Way::take(&mut form);
    let fields = Fields {
        name: form.take("name"),
        email: form.take("email"),
    };
    let password = form.take("new_password");
    let registered = match register(app, request, &fields, password.as_deref()).await {
        Ok(registered) => registered,
        Err(Refused::Conflict(EMAIL_TAKEN)) => {
            let layout = Layout::of(request, app.config.site());
            let problem = FieldProblem::address_is_taken(layout.texts);
            let status = status_of(app, request, Refused::Conflict(EMAIL_TAKEN))?;
            return Ok(page(app, request, status, way, &fields, Some(&problem)));
        }
        Err(refused) => {
            let (status, problem) = beside_field(app, request, refused)?;
            return Ok(page(app, request, status, way, &fields, Some(&problem)));
        }
    };
    let Some(opening) = registered.opening else {
        return Ok(form::signed_up(Layout::of(request, app.config.site())));
    };
    // The browser has another one from now on.
    if let Some(before) = caller::page_session(app, request)? {
        Sessions(&app.database).close(&before).await?;
    }
    session::lead_on(app, &opening.id, way)
}

fn may_register(app: &App) -> Result<(), Refused> {
    if app.config.registration_is_open {
        Ok(())
    } else {
        Err(Refused::RegistrationClosed)
    }
}

/// What is filled in beside the password.
#[derive(Debug, Default)]
struct Fields {
    name: Option<String>,
    email: Option<String>,
}

async fn register(
    app: &App,
    request: &Incoming,
    fields: &Fields,
    password: Option<&str>,
) -> Result<Registered, Refused> {
    let address = throttle::admit(&app.registration_limit, request).await?;
    let name = fields.name.as_deref().ok_or(Refused::Missing("name"))?;
    let email = fields.email.as_deref().ok_or(Refused::Missing("email"))?;
    let password = password.ok_or(Refused::Missing("new_password"))?;
    let name = Name::parse(name, unicode::HOST)?;
    let names = (Email::parse(email)?, None, name);
    let registration = Registration::check(app, names, password, true).await?;
    register::by(app, request, &address, registration).await
}

fn page(
    app: &App,
    request: &Incoming,
    status: u16,
    way: Way,
    fields: &Fields,
    problem: Option<&FieldProblem>,
) -> Reply {
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &way.hidden(),
        problem,
    };
    let sign_up = SignUp {
        name: fields.name.as_deref().unwrap_or_default(),
        email: fields.email.as_deref().unwrap_or_default(),
        password_min_length: app.config.password_min_length,
        sign_in: &way.page("/sign-in"),
    };
    form::sign_up(&around, &sign_up)
}
