//! `POST /api/auth/register`.

use edge_auth_core::account::{Email, Name, Username};
use edge_auth_core::password::{Known, NewPassword};
use edge_auth_core::proof::{Amr, Method, Proof};
use edge_auth_core::sign_in::SignedIn;
use edge_auth_core::throttle::ClientAddress;
use serde_json::json;

use super::{EMAIL_TAKEN, USERNAME_TAKEN};
use crate::api::asking::{self, Asking};
use crate::api::sign_in::tokens::Opening;
use crate::api::sign_in::{new_password, throttle, tokens};
use crate::app::App;
use crate::http::body::Members;
use crate::http::refused::TooMany;
use crate::http::{Refused, Reply, body, fields};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::attempts::Closed;
use crate::store::audit::Action;
use crate::store::users::{Account, InsertError, NewAccount, Users};

/// `POST /api/auth/register`.
pub(super) async fn register(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    if !app.config.registration_is_open {
        return Err(Refused::RegistrationClosed);
    }
    let address = throttle::admit(&app.registration_limit, request).await?;
    let mut members = body::object(request).await?;
    let registration = Registration::take(app, &mut members).await?;
    let registered = by(app, request, &address, registration).await?;
    let message = "User registered successfully";
    let user = &registered.account.user;
    let Some(signed_in) = &registered.signed_in else {
        let body = json!({ "message": message, "user": tokens::user_json(user) });
        return Ok(Reply::json(201, &body));
    };
    let opening = registered.opening;
    tokens::answer(app, 201, message, user, signed_in, opening)
}

/// An account that was made.
pub(crate) struct Registered {
    /// The account.
    pub(crate) account: Account,
    /// Its owner; none where the address has to be proven before anybody signs in.
    pub(crate) signed_in: Option<SignedIn>,
    /// The session that was opened, if one was asked for.
    pub(crate) opening: Option<Opening>,
}

/// Makes an account from `address`, which was admitted where registration is open.
pub(crate) async fn by(
    app: &App,
    request: &Incoming,
    address: &ClientAddress,
    registration: Registration,
) -> Result<Registered, Refused> {
    let from = app.config.attempts.address(address);
    let users = Users(&app.database);
    let (email, username) = (&registration.email, registration.username.as_ref());
    let now = clock::now();
    // No password is hashed for a client that has to wait, or for a name that is taken.
    let vacancy = users.vacancy(email, username, &from.key(), now).await?;
    if let Some(time) = vacancy.closed_until {
        throttle::remember(address, Closed::address(time));
        return Err(TooMany::until(time).into());
    }
    if vacancy.email_is_taken {
        return Err(throttle::name_taken(app, address, &from, EMAIL_TAKEN).await);
    }
    if vacancy.username_is_taken {
        return Err(throttle::name_taken(app, address, &from, USERNAME_TAKEN).await);
    }
    let password_hash = new_password::hash(app, request, &registration.password).await?;
    // Nobody signs in before the address is proven, where the settings say so.
    let opening = (registration.offline_access && !app.requires_verification())
        .then(|| Opening::new(app, request));
    let opening = opening.transpose()?;
    let sends_mail = app.config.mail.is_some();
    let asking =
        sends_mail.then(|| Asking::new(app, request, asking::VERIFICATION, email.as_str()));
    let asking = asking.transpose()?;
    let proof = Proof {
        auth_time: clock::now().seconds(),
        amr: Amr::of(Method::Password, None),
    };
    let new = NewAccount {
        email,
        username,
        name: &registration.name,
        password_hash: &password_hash,
        language: asking::language(request)?.code(),
        verification: asking.as_ref().map(Asking::challenge),
        session: opening.as_ref().map(|opening| opening.new_session()),
        proof: &proof,
    };
    let taken = match users.insert(&new, &from, clock::now()).await {
        Ok((account, mail)) => {
            asking::send(app, mail);
            let (id, epoch) = (account.user.id, account.epoch);
            app.trace.by(id);
            app.trace.did(Action::Register, Some(id));
            let may_sign_in = !app.requires_verification();
            return Ok(Registered {
                account,
                signed_in: may_sign_in.then(|| SignedIn::registered(proof, id, epoch)),
                opening,
            });
        }
        Err(InsertError::EmailTakenOrClosed) => EMAIL_TAKEN,
        Err(InsertError::UsernameTaken) => USERNAME_TAKEN,
        Err(InsertError::Store(error)) => return Err(error.into()),
    };
    Err(throttle::name_taken(app, address, &from, taken).await)
}

/// What register needs, good.
pub(crate) struct Registration {
    email: Email,
    username: Option<Username>,
    name: Name,
    password: NewPassword,
    offline_access: bool,
}

impl Registration {
    async fn take(app: &App, members: &mut Members) -> Result<Self, Refused> {
        let [email, password, name] = fields::required(members, "email, password, name")?;
        let email = Email::parse(&fields::string(email)?)?;
        let password = fields::string(password)?;
        let name = Name::parse(&fields::string(name)?, unicode::HOST)?;
        let username = fields::optional(members, "username")?;
        let username = username.map(|username| Username::parse(&username, unicode::HOST));
        let username = username.transpose()?;
        let offline_access = fields::offline_access(members)?;
        Self::check(app, (email, username, name), &password, offline_access).await
    }

    /// An account of these names with that password, if it breaks no rule; `offline_access` asks for a session.
    pub(crate) async fn check(
        app: &App,
        (email, username, name): (Email, Option<Username>, Name),
        password: &str,
        offline_access: bool,
    ) -> Result<Self, Refused> {
        let known = Known {
            email: Some(email.as_str()),
            username: username.as_ref().map(Username::as_str),
            name: name.as_str(),
        };
        let password = new_password::parse(app, "password", password, known).await?;
        Ok(Self {
            email,
            username,
            name,
            password,
            offline_access,
        })
    }
}
