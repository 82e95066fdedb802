//! Dialect 2: the accounts API, whose token problems are Flask-JWT-Extended 4.7.1's.

use serde_json::{Map, Value, json};

use super::authorization::HeaderProblem;
use super::body::{self, BodyProblem};
use super::protected::{self, Reason};
use super::reply::{Dialect, Reply};
use super::sign_in::{self, Refusal};
use super::{App, Unexpected, pyjwt, throttle};
use crate::auth::account::{BrokenRule, Email, Name, User, Username};
use crate::auth::attempt::{AttemptKeys, AttemptedName};
use crate::auth::json;
use crate::auth::password::NewPassword;
use crate::auth::token::TokenError;
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::platform::unicode;
use crate::store::users::{InsertError, NewAccount, Users};

/// `POST /api/auth/register`.
pub(super) async fn register(app: &App<'_>, request: &Incoming) -> Result<Reply, Unexpected> {
    let address = match throttle::admit(&app.registration_limit, request).await? {
        Ok(address) => address,
        Err(too_many) => return Ok(too_many.reply(Dialect::Accounts)),
    };
    let mut fields = match body::object(request).await {
        Ok(fields) => fields,
        Err(problem) => return body_refusal(problem),
    };
    let registration = match Registration::parse(&mut fields) {
        Ok(registration) => registration,
        Err(refused) => return Ok(refused.reply("email, password, name")),
    };
    let password_hash = sign_in::hash(app, &registration.password).await?;
    let name = AttemptedName::email(registration.email.as_str());
    let keys = AttemptKeys::new(&app.config.attempt_hash, &name, &address);
    let new = NewAccount {
        email: &registration.email,
        username: registration.username.as_ref(),
        name: &registration.name,
        password_hash: &password_hash,
    };
    let users = Users(&app.database);
    let taken = match users.insert(&new, &keys, clock::now_ms()).await {
        Ok(user) => return signed_in(app, 201, "User registered successfully", &user),
        Err(InsertError::EmailTakenOrClosed) => "Email already registered",
        Err(InsertError::UsernameTaken) => "Username already taken",
        Err(InsertError::Store(error)) => return Err(error.into()),
    };
    // To be told that an account exists is a failure, as a wrong password is.
    Ok(match throttle::count_failure(app, &keys.address).await? {
        Ok(()) => Dialect::Accounts.error(409, taken),
        Err(too_many) => too_many.reply(Dialect::Accounts),
    })
}

/// `POST /api/auth/login`.
pub(super) async fn login(app: &App<'_>, request: &Incoming) -> Result<Reply, Unexpected> {
    let address = match throttle::admit(&app.sign_in_limit, request).await? {
        Ok(address) => address,
        Err(too_many) => return Ok(too_many.reply(Dialect::Accounts)),
    };
    let mut fields = match body::object(request).await {
        Ok(fields) => fields,
        Err(problem) => return body_refusal(problem),
    };
    let (email, password) = match login_fields(&mut fields) {
        Ok(values) => values,
        Err(refused) => return Ok(refused.reply("email, password")),
    };
    let name = AttemptedName::email(&email);
    match sign_in::sign_in(app, &address, &name, &password).await? {
        Ok(user) => signed_in(app, 200, "Login successful", &user),
        Err(Refusal::WrongPassword) => {
            Ok(Dialect::Accounts.error(401, "Invalid email or password"))
        }
        Err(Refusal::TooMany(too_many)) => Ok(too_many.reply(Dialect::Accounts)),
    }
}

/// `GET /api/auth/me`.
pub(super) async fn me(app: &App<'_>, request: &Incoming) -> Result<Reply, Unexpected> {
    Ok(match protected::authenticate(app, request).await? {
        Ok(caller) => Reply::json(200, &json!({ "user": user_json(&caller.user) })),
        Err(refusal) => match refusal.reason {
            Reason::AccountGone(_) => Dialect::Accounts.error(404, "User not found"),
            reason => self::refusal(&reason),
        },
    })
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
    Reply::json(401, &json!({ "msg": text })).with("WWW-Authenticate", "Bearer")
}

/// The answer to a register or login that succeeded.
fn signed_in(app: &App<'_>, status: u16, message: &str, user: &User) -> Result<Reply, Unexpected> {
    let access_token = sign_in::access_token(app, user)?;
    let body = json!({
        "access_token": access_token,
        "message": message,
        "user": user_json(user),
    });
    Ok(Reply::json(status, &body))
}

/// `user` as clients see it (contract, "Dialect 2").
fn user_json(user: &User) -> Value {
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

fn body_refusal(problem: BodyProblem) -> Result<Reply, Unexpected> {
    let (status, text) = match problem {
        BodyProblem::MediaType => (415, "Content-Type must be application/json"),
        BodyProblem::TooLarge => (413, "Request body too large"),
        BodyProblem::NotAnObject => (400, "Request body must be a JSON object"),
        BodyProblem::Unexpected(error) => return Err(error),
    };
    Ok(Dialect::Accounts.error(status, text))
}

/// Why the fields of a body are refused.
enum FieldsRefused {
    /// A required field is absent, null, empty or blank.
    Missing,
    /// A value is no string.
    NotAString(&'static str),
    /// A value breaks a rule.
    Rule(BrokenRule),
}

impl From<BrokenRule> for FieldsRefused {
    fn from(broken: BrokenRule) -> Self {
        Self::Rule(broken)
    }
}

impl FieldsRefused {
    fn reply(&self, required: &str) -> Reply {
        let text = match self {
            Self::Missing => format!("Missing required fields: {required}"),
            Self::NotAString(field) => format!("{field} must be a string"),
            Self::Rule(broken) => broken.to_string(),
        };
        Dialect::Accounts.error(400, &text)
    }
}

/// What register needs, good.
struct Registration {
    email: Email,
    username: Option<Username>,
    name: Name,
    password: NewPassword,
}

impl Registration {
    fn parse(fields: &mut Map<String, Value>) -> Result<Self, FieldsRefused> {
        let email = required(fields, "email")?;
        let password = required(fields, "password")?;
        let name = required(fields, "name")?;
        let username = json::take(fields, "username");
        if is_blank(&email) || is_blank(&name) {
            return Err(FieldsRefused::Missing);
        }
        let email = Email::parse(&string(email, "email")?)?;
        let password = string(password, "password")?;
        let name = Name::parse(&string(name, "name")?, unicode::nfc)?;
        let username = match username {
            Some(username) => Some(Username::parse(
                &string(username, "username")?,
                unicode::nfc,
            )?),
            None => None,
        };
        let password =
            NewPassword::parse(&password, unicode::nfkc, &email, username.as_ref(), &name)?;
        Ok(Self {
            email,
            username,
            name,
            password,
        })
    }
}

fn login_fields(fields: &mut Map<String, Value>) -> Result<(String, String), FieldsRefused> {
    let email = required(fields, "email")?;
    let password = required(fields, "password")?;
    if is_blank(&email) {
        return Err(FieldsRefused::Missing);
    }
    Ok((string(email, "email")?, string(password, "password")?))
}

/// The value of `field`, whatever its type, unless it is absent, null or the empty string.
fn required(fields: &mut Map<String, Value>, field: &str) -> Result<Value, FieldsRefused> {
    json::take(fields, field)
        .filter(|value| value != "")
        .ok_or(FieldsRefused::Missing)
}

/// Whether `value` is a string of nothing but Unicode white space.
fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn string(value: Value, field: &'static str) -> Result<String, FieldsRefused> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(FieldsRefused::NotAString(field)),
    }
}
