//! Why a request is not answered as it asks. A handler says the reason with `?`; the route's dialect
//! words it in one place (`crate::dialect`).

use edge_auth_core::account::BrokenRule;
use edge_auth_core::dialect::Dialect;
use edge_auth_core::passkey::InvalidPasskey;
use edge_auth_core::sign_in::{SecondFactors, Ticket};
use edge_auth_core::time::{Seconds, UnixMillis};

use super::caller::Reason;
use crate::app::Unexpected;
use crate::platform::http::BodyError;
use crate::platform::{HostError, clock};
use crate::store::StoreError;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is nothing at that path.
    NotFound,
    /// The path takes other methods, as in `Allow`.
    MethodNotAllowed(String),
    /// The body is of another type.
    MediaType(&'static str),
    /// The body is longer than the route takes.
    TooLarge,
    /// The body is not one JSON object.
    NotAnObject,
    /// A field of the form is there twice, or there are too many.
    NotAForm,
    /// The form was not sent by a page of this service.
    CrossSite,
    /// A required field is absent, null, empty or blank; all that are required.
    Missing(&'static str),
    /// A value is no string.
    NotAString(&'static str),
    /// A value of the body or the query breaks a rule.
    Rule(BrokenRule),
    /// A number of the query is out of range.
    Query(&'static str),
    /// Too many attempts before this one.
    TooMany(TooMany),
    /// Nobody may register.
    RegistrationClosed,
    /// Name and password are not those of an account that may sign in.
    Credentials,
    /// The caller's own password is wrong.
    WrongPassword,
    /// The caller's token is not good, on a route of the accounts API.
    Caller(Reason),
    /// The token of a request for another service is not good, in that dialect's words.
    Token(Dialect, Reason),
    /// The token of a request for another service is good and does not say that enough was shown, or lately enough
    /// (docs/api.md, "Step-up"): in that dialect's words, with the age that was asked for.
    Proof(Dialect, Option<Seconds>),
    /// A link is used up, void, expired, or none.
    Link,
    /// A code is wrong, used up, void or expired.
    Code,
    /// The first code of a new secret is wrong.
    WrongCode,
    /// One factor alone does not show who it is: with the ticket to go on with, in a sign-in.
    SecondFactor(Option<SecondFactorRequired>),
    /// A second factor is wrong.
    SecondFactorWrong,
    /// A ticket is used up, void, expired, or none.
    Ticket,
    /// A link alone does not show who follows it.
    PasswordRequired,
    /// Whatever is wrong with what a browser says of a passkey.
    Passkey,
    /// What a browser says of a passkey signs nobody in; whether no account has the passkey.
    PasskeySignIn {
        /// No account has it, so a browser may forget it.
        is_unknown: bool,
    },
    /// The caller showed who they are too long ago.
    RecentSignInRequired,
    /// The account's address has to be proven first.
    EmailNotVerified,
    /// The caller has not the role that is needed.
    Forbidden,
    /// There is no such account.
    UserNotFound,
    /// Something is so that rules the change out.
    Conflict(&'static str),
    /// The service behind cannot be reached.
    BadGateway,
    /// What no client can do anything about.
    Unexpected(Unexpected),
}

impl From<Unexpected> for Refused {
    fn from(error: Unexpected) -> Self {
        Self::Unexpected(error)
    }
}

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        Self::Unexpected(error.into())
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Unexpected(error.into())
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Host(error) => error.into(),
        }
    }
}

impl From<BrokenRule> for Refused {
    fn from(broken: BrokenRule) -> Self {
        Self::Rule(broken)
    }
}

/// What a sign-in by two factors goes on with.
#[derive(Debug)]
pub(crate) struct SecondFactorRequired {
    /// What is shown with the second factor.
    pub(crate) ticket: Ticket,
    /// What the account has.
    pub(crate) second_factors: SecondFactors,
}

impl From<InvalidPasskey> for Refused {
    fn from(_: InvalidPasskey) -> Self {
        Self::Passkey
    }
}

/// What [`Refused::Conflict`] says where another account has an address.
pub(crate) const EMAIL_TAKEN: &str = "Email already registered";

/// What it says of a passkey that an account has.
pub(crate) const PASSKEY_TAKEN: &str = "Passkey already registered";

/// What it says where no other passkey fits in.
pub(crate) const TOO_MANY_PASSKEYS: &str = "Too many passkeys";

/// What it says of a passkey without which nobody could sign in.
pub(crate) const LAST_PASSKEY: &str = "No other way to sign in";

/// What it says of a first code where there is no new secret, or no more.
pub(crate) const NO_NEW_TOTP_SECRET: &str = "There is no new TOTP secret";

/// An attempt that has to wait so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) Seconds);

impl TooMany {
    /// Too many mails: three may be asked for in so long.
    pub(crate) const MAILS: Self = Self(Seconds(15 * 60));

    /// Too many until `time`.
    pub(crate) fn until(time: UnixMillis) -> Self {
        let left = time.since(clock::now());
        Self(left.seconds_rounded_up().max(Seconds(1)))
    }
}

impl From<TooMany> for Refused {
    fn from(too_many: TooMany) -> Self {
        Self::TooMany(too_many)
    }
}
