//! `/account/confirm`: where the links of mails lead.
//!
//! A GET shows a page and uses nothing up, since mail scanners follow links. The page's button does what the link is for.

use edge_auth_core::challenge::Kind;

use super::actions::{self, Fields};
use super::{read_form, status_of};
use crate::api::asking;
use crate::app::App;
use crate::http::form::Form;
use crate::http::{Refused, Reply};
use crate::pages::Layout;
use crate::pages::field_problem::FieldProblem;
use crate::pages::link::{self, Link, Shown, Surroundings};
use crate::platform::clock;
use crate::platform::http::Incoming;

/// `GET /account/confirm?kind=…&id=…&token=…`.
pub(super) async fn show(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut query = Form::of_query(request).ok_or(Refused::Link)?;
    let link = take_link(app, &mut query)?;
    let shown = actions::look(app, asking::language(request)?, link.kind, &link.token).await?;
    let layout = Layout::of(request, app.config.site());
    Ok(page(app, layout, 200, &link, &shown, "", None))
}

/// `POST /account/confirm`, by the form of that page.
pub(super) async fn submit(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let mut form = read_form(app, request).await?;
    let link = take_link(app, &mut form)?;
    let fields = Fields::take(&mut form);
    // Its page has a code and no form.
    if link.kind == Kind::SignIn {
        return Err(Refused::Link);
    }
    let layout = Layout::of(request, app.config.site());
    let acted = actions::act(app, request, link.kind, &link.token, &fields).await;
    let Err(refused) = acted else {
        return Ok(link::done(layout, link.kind));
    };
    let Some(problem) = FieldProblem::of(&refused, layout.texts) else {
        return Err(refused);
    };
    let status = status_of(app, request, refused)?;
    let shown = actions::look(app, asking::language(request)?, link.kind, &link.token).await?;
    let name = fields.name.as_deref().unwrap_or_default();
    Ok(page(
        app,
        layout,
        status,
        &link,
        &shown,
        name,
        Some(&problem),
    ))
}

/// The link in `form`. Without mail there is none but the invitation that an operator makes.
fn take_link(app: &App, form: &mut Form) -> Result<Link, Refused> {
    let kind = form.take("kind").and_then(|kind| Kind::parse(&kind));
    let is_there = |kind: &Kind| app.config.mail.is_some() || *kind == Kind::Invitation;
    let kind = kind.filter(is_there);
    Ok(Link {
        kind: kind.ok_or(Refused::Link)?,
        id: form.take("id").unwrap_or_default(),
        token: form.take("token").ok_or(Refused::Link)?,
    })
}

fn page(
    app: &App,
    layout: Layout<'_>,
    status: u16,
    link: &Link,
    shown: &Shown,
    name: &str,
    problem: Option<&FieldProblem>,
) -> Reply {
    let around = Surroundings {
        layout,
        asked_at: &clock::describe(shown.asked_at, layout.texts.language),
        password_min_length: app.config.password_min_length,
        name,
        problem,
    };
    link::page(status, link, shown, &around)
}
