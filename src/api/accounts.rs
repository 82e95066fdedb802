//! Dialect 2: the accounts API, whose token problems are Flask-JWT-Extended 4.7.1's.

use serde_json::{Map, Value, json};

use super::authorization::HeaderProblem;
use super::body::{self, BodyProblem};
use super::fields::{self, FieldsRefused};
use super::protected::Reason;
use super::reply::{Dialect, Reply};
use super::sign_in::{self, Refusal};
use super::throttle::{self, TooMany};
use super::tokens::{self, Grant, Opening};
use super::{App, Unexpected, pyjwt};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::attempts::Closed;
use crate::store::audit::Action;
use crate::store::sessions::Sessions;
use crate::store::users::{Account, InsertError, NewAccount, Users};
use edge_auth_core::account::{Email, Name, User, Username};
use edge_auth_core::password::{Known, NewPassword};
use edge_auth_core::throttle::AttemptedName;
use edge_auth_core::token::TokenError;

/// The text of a 409.
const EMAIL_TAKEN: &str = "Email already registered";

/// The text of a 409.
pub(super) const USERNAME_TAKEN: &str = "Username already taken";

/// `POST /api/auth/register`.
pub(super) async fn register(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    if !app.config.registration_is_open {
        return Ok(Dialect::Accounts.error(403, "Registration is closed"));
    }
    let address = match throttle::admit(&app.registration_limit, request).await? {
        Ok(address) => address,
        Err(too_many) => return Ok(too_many.reply(Dialect::Accounts)),
    };
    let mut members = match body::object(request).await {
        Ok(members) => members,
        Err(problem) => return body_refusal(problem),
    };
    let registration = match Registration::parse(app, &mut members) {
        Ok(registration) => registration,
        Err(refused) => return Ok(refused.reply()),
    };
    let from = app.config.attempts.address(&address);
    let users = Users(&app.database);
    let (email, username) = (&registration.email, registration.username.as_ref());
    let now = clock::now_ms();
    let vacancy = users.vacancy(email, username, &from.key(), now).await?;
    if let Some(time) = vacancy.closed_until {
        let closed = Closed {
            pair: None,
            address: Some(time),
        };
        throttle::remember(&address, closed);
        return Ok(TooMany::until(time).reply(Dialect::Accounts));
    }
    if vacancy.email_is_taken {
        return throttle::name_taken(app, &address, &from, EMAIL_TAKEN).await;
    }
    if vacancy.username_is_taken {
        return throttle::name_taken(app, &address, &from, USERNAME_TAKEN).await;
    }
    let password_hash = sign_in::hash(app, &registration.password).await?;
    let opening = registration
        .offline_access
        .then(|| Opening::new(app, request));
    let opening = opening.transpose()?;
    let new = NewAccount {
        email,
        username,
        name: &registration.name,
        password_hash: &password_hash,
        session: opening.as_ref().map(Opening::new_session),
    };
    let taken = match users.insert(&new, &from, clock::now_ms()).await {
        Ok(account) => {
            let message = "User registered successfully";
            return signed_in(app, Action::Register, 201, message, &account, opening);
        }
        Err(InsertError::EmailTakenOrClosed) => EMAIL_TAKEN,
        Err(InsertError::UsernameTaken) => USERNAME_TAKEN,
        Err(InsertError::Store(error)) => return Err(error.into()),
    };
    throttle::name_taken(app, &address, &from, taken).await
}

/// `POST /api/auth/login`.
pub(super) async fn login(app: &App, request: &Incoming) -> Result<Reply, Unexpected> {
    let address = match throttle::admit(&app.sign_in_limit, request).await? {
        Ok(address) => address,
        Err(too_many) => return Ok(too_many.reply(Dialect::Accounts)),
    };
    let mut members = match body::object(request).await {
        Ok(members) => members,
        Err(problem) => return body_refusal(problem),
    };
    let (email, password, offline_access) = match login_fields(&mut members) {
        Ok(values) => values,
        Err(refused) => return Ok(refused.reply()),
    };
    let name = AttemptedName::email(&email);
    let wrong = || Ok(Dialect::Accounts.error(401, "Invalid email or password"));
    let account = match sign_in::sign_in(app, &address, &name, &password).await? {
        Ok(account) => account,
        Err(Refusal::WrongPassword) => return wrong(),
        Err(Refusal::TooMany(too_many)) => return Ok(too_many.reply(Dialect::Accounts)),
    };
    let mut opening = None;
    if offline_access {
        let new = Opening::new(app, request)?;
        let sessions = Sessions(&app.database);
        let (id, epoch) = (account.user.id, account.epoch);
        if !sessions.open(id, epoch, &new.new_session()).await? {
            // Its password was changed a moment ago.
            return wrong();
        }
        opening = Some(new);
    }
    signed_in(
        app,
        Action::SignIn,
        200,
        "Login successful",
        &account,
        opening,
    )
}

/// The 401 of a protected route, as recorded, with the challenge of RFC 6750 section 3.
pub(super) fn refusal(reason: &Reason) -> Reply {
    let text = match reason {
        Reason::Header(HeaderProblem::Missing) => "Missing Authorization Header".into(),
        Reason::Header(HeaderProblem::NoScheme) => {
            "Missing 'Bearer' type in 'Authorization' header. \
             Expected 'Authorization: Bearer <JWT>'"
                .into()
        }
        Reason::Header(HeaderProblem::TokenMissing | HeaderProblem::TokenContainsSpaces) => {
            "Bad Authorization header. Expected 'Authorization: Bearer <JWT>'".into()
        }
        Reason::AccountGone(id) => format!("Error loading the user {id}").into(),
        Reason::Revoked => "Token has been revoked".into(),
        Reason::Token(TokenError::Expired) => "Token has expired".into(),
        // This library reads the payload before it looks at the signature.
        Reason::Token(TokenError::Signature {
            payload: Some(problem),
        }) => pyjwt::text(&TokenError::Payload(*problem)),
        Reason::Token(error) => pyjwt::text(error),
    };
    token_problem(&text)
}

/// A 401 of this text.
pub(super) fn token_problem(text: &str) -> Reply {
    Reply::json(401, &json!({ "msg": text })).with("WWW-Authenticate", "Bearer")
}

/// The answer to a register or login that succeeded, with the session that it opened.
fn signed_in(
    app: &App,
    action: Action,
    status: u16,
    message: &str,
    account: &Account,
    opening: Option<Opening>,
) -> Result<Reply, Unexpected> {
    app.trace.by(account.user.id);
    app.trace.did(action, Some(account.user.id));
    let grant = Grant::new(account, opening.as_ref().map(|opening| &opening.id));
    let access_token = tokens::access_token(app, &grant)?;
    let mut body = json!({
        "access_token": access_token,
        "message": message,
        "user": user_json(&account.user),
    });
    if let Some(opening) = opening {
        tokens::add_refresh_token(app, &mut body, &opening.refresh_token())?;
    }
    Ok(Reply::json(status, &body))
}

/// `user` as clients see it (contract, "Dialect 2").
pub(super) fn user_json(user: &User) -> Value {
    let mut body = json!({
        "created_at": user.created_at,
        "email": user.email,
        "id": user.id.get(),
        "name": user.name,
        "role": user.role,
        "updated_at": user.updated_at,
    });
    if let (Some(username), Value::Object(map)) = (&user.username, &mut body) {
        map.insert("username".to_owned(), username.as_str().into());
    }
    body
}

/// The answer to a request without a usable body.
pub(super) fn body_refusal(problem: BodyProblem) -> Result<Reply, Unexpected> {
    let (status, text) = match problem {
        BodyProblem::MediaType => (415, "Content-Type must be application/json"),
        BodyProblem::TooLarge => (413, "Request body too large"),
        BodyProblem::NotAnObject => (400, "Request body must be a JSON object"),
        BodyProblem::Unexpected(error) => return Err(error),
    };
    Ok(Dialect::Accounts.error(status, text))
}

/// What register needs, good.
struct Registration {
    email: Email,
    username: Option<Username>,
    name: Name,
    password: NewPassword,
    offline_access: bool,
}

impl Registration {
    fn parse(app: &App, members: &mut Map<String, Value>) -> Result<Self, FieldsRefused> {
        let [email, password, name] = fields::required(members, "email, password, name")?;
        let email = Email::parse(&fields::string(email)?)?;
        let password = fields::string(password)?;
        let name = Name::parse(&fields::string(name)?, unicode::HOST)?;
        let username = fields::optional(members, "username")?;
        let username = username.map(|username| Username::parse(&username, unicode::HOST));
        let username = username.transpose()?;
        let offline_access = fields::offline_access(members)?;
        let known = Known {
            email: Some(email.as_str()),
            username: username.as_ref().map(Username::as_str),
            name: name.as_str(),
        };
        let min_length = app.config.password_min_length;
        let password = NewPassword::parse(&password, min_length, known, unicode::HOST)?;
        Ok(Self {
            email,
            username,
            name,
            password,
            offline_access,
        })
    }
}

/// E-mail address, password, and whether a session is asked for.
fn login_fields(members: &mut Map<String, Value>) -> Result<(String, String, bool), FieldsRefused> {
    let [email, password] = fields::required(members, "email, password")?;
    let (email, password) = (fields::string(email)?, fields::string(password)?);
    Ok((email, password, fields::offline_access(members)?))
}
