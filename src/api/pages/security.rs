//! `/account/security`: what an account's owner sees and changes of its security.

use edge_auth_core::challenge::ChallengeId;
use edge_auth_core::mail::{Browser, Language};
use edge_auth_core::session::SessionId;

use super::session::{SECURITY, sign_in_page};
use super::sign_in::{beside_field, shown_code};
use super::{read_form, status_of};
use crate::api::accounts::password;
use crate::api::mail::address;
use crate::api::sign_in::throttle;
use crate::api::{asking, passkeys, sessions};
use crate::app::App;
use crate::http::caller::{self, Caller};
use crate::http::form::Form;
use crate::http::{Refused, Reply};
use crate::pages::Layout;
use crate::pages::field_problem::FieldProblem;
use crate::pages::form::{self, Around, CodeFor};
use crate::pages::security::{self, Done, Security, ShownPasskey, ShownSession, TwoStep};
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::store::passkeys::{MOST_PASSKEYS, Passkey};
use crate::store::sessions::Session;
use crate::store::users::Users;

/// `GET /account/security`.
pub(super) async fn show(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some(caller) = caller::of_page(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let mut query = Form::of_query(request).unwrap_or_default();
    let done = query.take("done").and_then(|name| Done::parse(&name));
    // A link of somebody else's says nothing of what was done.
    let site = request.header("Sec-Fetch-Site")?;
    let done = done.filter(|_| site.as_deref() == Some("same-origin"));
    let shown = Shown {
        status: 200,
        done,
        new_email: "",
        problem: None,
    };
    page(app, request, &caller, &shown).await
}

/// The page again, which says why something was not done, as the API's answer does by its status.
///
/// # Errors
/// `refused`, if it is for another page.
pub(super) async fn not_done(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    refused: Refused,
) -> Result<Reply, Refused> {
    let (status, problem) = beside_field(app, request, refused)?;
    let shown = Shown {
        status,
        done: None,
        new_email: "",
        problem: Some(&problem),
    };
    page(app, request, caller, &shown).await
}

/// `POST /account/security/session`: ends one.
pub(super) async fn end_session(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, mut form)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let id = form.take("id").unwrap_or_default();
    let ended = match sessions::end(app, request, &caller, &id).await {
        // It is over already.
        Err(Refused::NotFound) => Ok(()),
        ended => ended,
    };
    answer(ended, Done::Session)
}

/// `POST /account/security/other-sessions`: ends all but this one.
pub(super) async fn end_other_sessions(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, _)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let ended = sessions::end_others(app, request, &caller).await;
    answer(ended, Done::OtherSessions)
}

/// `POST /account/security/password`.
pub(super) async fn change_password(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, mut form)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let (current, new) = (form.take("current_password"), form.take("new_password"));
    let changed = async {
        if caller.account.has_password && current.is_none() {
            return Err(Refused::Missing("current_password"));
        }
        let new = new.as_deref().ok_or(Refused::Missing("new_password"))?;
        password::change_by(app, request, &caller, current.as_deref(), new).await
    };
    let refused = match answer(changed.await, Done::Password) {
        Ok(reply) => return Ok(reply),
        Err(refused) => refused,
    };
    let is_current = matches!(refused, Refused::WrongPassword);
    let layout = Layout::of(request, app.config.site());
    let Some(mut problem) = FieldProblem::of(&refused, layout.texts) else {
        return Err(refused);
    };
    if is_current {
        problem = problem.at("current_password");
    }
    let shown = Shown {
        status: status_of(app, request, refused)?,
        done: None,
        new_email: "",
        problem: Some(&problem),
    };
    page(app, request, &caller, &shown).await
}

/// `POST /account/security/address`: sends a code to the new one.
pub(super) async fn change_address(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, mut form)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let email = form.take("email").unwrap_or_default();
    let refused = match ask(app, request, &caller, &email).await {
        Ok(id) => return Ok(code_page(app, request, 200, id.as_str(), None)),
        Err(refused) => refused,
    };
    let layout = Layout::of(request, app.config.site());
    let Some(problem) = FieldProblem::of(&refused, layout.texts) else {
        return answer(Err(refused), Done::Address);
    };
    let shown = Shown {
        status: status_of(app, request, refused)?,
        done: None,
        new_email: &email,
        problem: Some(&problem),
    };
    page(app, request, &caller, &shown).await
}

async fn ask(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    email: &str,
) -> Result<ChallengeId, Refused> {
    caller::recent(caller)?;
    if email.is_empty() {
        return Err(Refused::Missing("email"));
    }
    address::change_by(app, request, caller, email).await
}

/// `POST /account/security/address/confirm`: takes the code.
pub(super) async fn confirm_address(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let Some((caller, mut form)) = submitted(app, request).await? else {
        return Ok(Reply::see_other(&sign_in_page(false)));
    };
    let (id, code) = (form.take("id").unwrap_or_default(), form.take("code"));
    let confirmed = async {
        throttle::admit(&app.sign_in_limit, request).await?;
        let shown = shown_code(&id, code.as_deref())?;
        address::confirm_by(app, request, shown, Some(&caller), None).await
    };
    match answer(confirmed.await, Done::Address) {
        Ok(reply) => Ok(reply),
        Err(refused) => {
            let (status, problem) = beside_field(app, request, refused)?;
            Ok(code_page(app, request, status, &id, Some(&problem)))
        }
    }
}

/// The form that was sent and by whom; none where nobody is signed in.
pub(super) async fn submitted(
    app: &App,
    request: &Incoming,
) -> Result<Option<(Caller, Form)>, Refused> {
    let form = read_form(app, request).await?;
    let caller = caller::of_page(app, request).await?;
    Ok(caller.map(|caller| (caller, form)))
}

/// Leads on after something was done: to the page again, or to a sign-in where one is asked for.
pub(super) fn answer(result: Result<(), Refused>, done: Done) -> Result<Reply, Refused> {
    match result {
        Ok(()) => {
            let path = format!("{SECURITY}?done={}", done.name());
            Ok(Reply::see_other(&path))
        }
        Err(refused) => to_sign_in(refused),
    }
}

/// Leads to a sign-in if that is what is asked for: a new one, or by two factors, or at all.
pub(super) fn to_sign_in(refused: Refused) -> Result<Reply, Refused> {
    let is_again = match refused {
        Refused::RecentSignInRequired | Refused::SecondFactor(None) => true,
        Refused::Caller(_) => false,
        refused => return Err(refused),
    };
    Ok(Reply::see_other(&sign_in_page(is_again)))
}

/// What the page says beside what is so.
struct Shown<'a> {
    status: u16,
    done: Option<Done>,
    new_email: &'a str,
    problem: Option<&'a FieldProblem>,
}

async fn page(
    app: &App,
    request: &Incoming,
    caller: &Caller,
    shown: &Shown<'_>,
) -> Result<Reply, Refused> {
    let layout = Layout::of(request, app.config.site());
    let language = asking::language(request)?;
    let open = sessions::list_of(app, caller).await?;
    let current = caller.session.as_ref().map(SessionId::as_str);
    let sessions: Vec<_> = open
        .into_iter()
        .map(|session| shown_session(session, current, language, layout.texts.language))
        .collect();
    let account = &caller.account;
    let user = &account.user;
    let tag = layout.texts.language;
    let passkeys = match app.config.passkeys {
        Some(_) => Some(shown_passkeys(app, caller, tag).await?),
        None => None,
    };
    let two_step = match app.config.data_keys {
        Some(_) => Some(two_step(app, caller).await?),
        None => None,
    };
    let security = Security {
        layout,
        status: shown.status,
        name: &user.name,
        username: user.username.as_deref(),
        email: user.email.as_deref(),
        email_is_verified: account.email_verified_at.is_some(),
        has_password: account.has_password,
        is_recent: caller::recent(caller).is_ok(),
        again: &sign_in_page(true),
        sends_mail: app.config.mail.is_some(),
        password_min_length: app.config.password_min_length,
        sessions: &sessions,
        two_step,
        can_add_passkey: passkeys.as_deref().is_some_and(may_be_more),
        passkeys: passkeys.as_deref(),
        done: shown.done,
        new_email: shown.new_email,
        problem: shown.problem,
    };
    Ok(security::page(&security))
}

async fn two_step(app: &App, caller: &Caller) -> Result<TwoStep, Refused> {
    let users = Users(&app.database);
    let ways = users.ways(caller.account.user.id, clock::now()).await?;
    let passkey = ways.second_factor_passkeys > 0;
    let is_on = ways.totp || passkey;
    Ok(TwoStep {
        totp: ways.totp,
        passkey,
        recovery_codes: ways.recovery_codes,
        may_change: caller::recent(caller).is_ok()
            && (!is_on || caller::by_two_factors(caller).is_ok()),
    })
}

async fn shown_passkeys(
    app: &App,
    caller: &Caller,
    tag: &str,
) -> Result<Vec<ShownPasskey>, Refused> {
    let shown = |passkey: Passkey| ShownPasskey {
        id: passkey.id,
        name: passkey.name,
        added: clock::describe_text(&passkey.created_at, tag),
        last_used: passkey
            .last_used_at
            .map(|time| clock::describe_text(&time, tag)),
        backed_up: passkey.backed_up,
        second_factor: passkey.second_factor,
    };
    let all = passkeys::list(app, caller).await?;
    Ok(all.into_iter().map(shown).collect())
}

fn may_be_more(passkeys: &[ShownPasskey]) -> bool {
    u32::try_from(passkeys.len()).is_ok_and(|count| count < MOST_PASSKEYS)
}

fn shown_session(
    session: Session,
    current: Option<&str>,
    language: Language,
    tag: &str,
) -> ShownSession {
    let header = session.user_agent.unwrap_or_default();
    ShownSession {
        is_current: current == Some(&session.id),
        browser: Browser::from_user_agent(&header).describe(language),
        last_used: clock::describe(session.last_used, tag),
        id: session.id,
    }
}

fn code_page(
    app: &App,
    request: &Incoming,
    status: u16,
    id: &str,
    problem: Option<&FieldProblem>,
) -> Reply {
    let around = Around {
        layout: Layout::of(request, app.config.site()),
        status,
        hidden: &[("id", id)],
        problem,
    };
    form::code(&around, CodeFor::NewAddress)
}
