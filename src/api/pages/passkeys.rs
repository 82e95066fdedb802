//! `/account/security/passkey`: a passkey is made, and those that there are are changed.

use edge_auth_core::json;
use serde_json::Value;

use super::security::{answer, not_done, submitted, to_sign_in};
use super::session::sign_in_page;
use super::sign_in::beside_field;
use crate::api::asking;
use crate::api::passkeys::{self, Changes, New};
use crate::app::App;
use crate::http::caller::{self, Caller};
use crate::http::form::Form;
use crate::http::{Refused, Reply};
use crate::pages::Layout;
use crate::pages::field_problem::FieldProblem;
use crate::pages::form::{self, AddPasskey, Around};
use crate::pages::security::Done;
use crate::platform::http::Incoming;

/// The page that makes one.
const PATH: &str = "/account/security/passkey";

/// What a browser says of a passkey, as the script of a page puts it into a form.
///
/// # Errors
/// [`Refused::NotAnObject`]: no script of ours has done so.
pub(super) fn credential(form: &mut Form) -> Result<Value, Refused> {
    let text = form.take("credential").ok_or(Refused::NotAnObject)?;
    let members = json::object(text.as_bytes()).map_err(|_| Refused::NotAnObject)?;
    Ok(Value::Object(members))
}

/// `GET /account/security/passkey`.
pub(super) async fn show(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    are_there(app)?;
    let Some(caller) = caller::of_page(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let browser = asking::browser(request)?;
    let name = browser.describe(asking::language(request)?);
    let filled_in = FilledIn {
        name: &name,
        second_factor: false,
    };
    page(app, request, &caller, 200, filled_in, None).await
}

/// `POST /account/security/passkey`.
pub(super) async fn add(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, mut form)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    are_there(app)?;
    let name = form.take("name").unwrap_or_default();
    let second_factor = form.take("second_factor").is_some();
    let credential = credential(&mut form)?;
    let added = async {
        let new = New {
            name: passkeys::name(Some(name.clone()))?,
            second_factor,
            credential: &credential,
        };
        match passkeys::add(app, request, &caller, new).await? {
            Some(_) => Ok(()),
            None => {
                caller::ask_again(app, request, &caller).await?;
                Err(Refused::Passkey)
            }
        }
    };
    let refused = match answer(added.await, Done::PasskeyAdded) {
        Ok(reply) => return Ok(reply),
        Err(refused) => refused,
    };
    let (status, problem) = beside_field(app, request, refused)?;
    let filled_in = FilledIn {
        name: &name,
        second_factor,
    };
    page(app, request, &caller, status, filled_in, Some(&problem)).await
}

/// `POST /account/security/passkey/name`.
pub(super) async fn rename(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    change(app, request, |form| {
        let name = form.take("name").unwrap_or_default();
        Ok(Changes {
            name: passkeys::name(Some(name))?,
            second_factor: None,
        })
    })
    .await
}

/// `POST /account/security/passkey/second-factor`.
pub(super) async fn set_second_factor(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    change(app, request, |form| {
        Ok(Changes {
            name: None,
            second_factor: Some(form.take("second_factor").is_some()),
        })
    })
    .await
}

async fn change(
    app: &App,
    request: &Incoming,
    changes: impl FnOnce(&mut Form) -> Result<Changes, Refused>,
) -> Result<Reply, Refused> {
    let Some((caller, mut form)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    are_there(app)?;
    let id = form.take("id").unwrap_or_default();
    let changed = async {
        let changes = changes(&mut form)?;
        match passkeys::change(app, request, &caller, &id, changes).await? {
            Some(_) => Ok(()),
            None => {
                let caller = caller::ask_again(app, request, &caller).await?;
                Err(passkeys::why_not(app, &caller, &id).await?)
            }
        }
    };
    match answer(changed.await, Done::PasskeyChanged) {
        Err(refused) => not_done(app, request, &caller, refused).await,
        reply => reply,
    }
}

/// `POST /account/security/passkey/remove`.
pub(super) async fn remove(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, mut form)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    are_there(app)?;
    let id = form.take("id").unwrap_or_default();
    let removed = async {
        if passkeys::remove(app, request, &caller, &id).await? {
            return Ok(());
        }
        let caller = caller::ask_again(app, request, &caller).await?;
        match passkeys::why_not(app, &caller, &id).await? {
            // It is gone already.
            Refused::NotFound => Ok(()),
            refused => Err(refused),
        }
    };
    match answer(removed.await, Done::PasskeyRemoved) {
        Err(refused) => not_done(app, request, &caller, refused).await,
        reply => reply,
    }
}

fn are_there(app: &App) -> Result<(), Refused> {
    match app.config.passkeys {
        Some(_) => Ok(()),
        None => Err(Refused::NotFound),
    }
}

/// What is filled in on the page at first.
#[derive(Clone, Copy)]
struct FilledIn<'a> {
    name: &'a str,
    second_factor: bool,
}

/// The page that makes one, or the one of an account's security where no other one may be made.
async fn page(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    status: u16,
    filled_in: FilledIn<'_>,
    problem: Option<&FieldProblem>,
) -> Result<Reply, Refused> {
    let options = match passkeys::creation_options(app, caller).await {
        Ok(options) => options.to_string(),
        Err(refused @ Refused::Conflict(_)) => {
            return not_done(app, request, caller, refused).await;
        }
        Err(refused) => return to_sign_in(refused),
    };
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &[],
        problem,
    };
    let add = AddPasskey {
        options: &options,
        path: PATH,
        name: filled_in.name,
        second_factor: filled_in.second_factor,
    };
    Ok(form::add_passkey(&around, &add))
}
