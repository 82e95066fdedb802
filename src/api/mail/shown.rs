//! Links and codes that are shown.

use edge_auth_core::account::UserId;
use edge_auth_core::challenge::{ChallengeId, Code, Kind, LinkToken};

use crate::app::App;
use crate::http::body::Members;
use crate::http::refused::EMAIL_TAKEN;
use crate::http::{Refused, fields};
use crate::platform::clock;
use crate::store::challenges::{Challenges, Open, Spend, SpendError};

/// What somebody shows to have read a mail.
pub(crate) enum Shown {
    /// The token of a link.
    Link(LinkToken),
    /// A code, and the challenge that it answers.
    Code(ChallengeId, Code),
}

impl Shown {
    /// The members `token`, or `id` and `code`; a text that is none is refused as one that is not good.
    pub(super) fn take(members: &mut Members) -> Result<Self, Refused> {
        let has = |members: &Members, name| members.get(name).is_some_and(|value| !value.is_null());
        let by_code = has(members, "id") || has(members, "code");
        if by_code && !has(members, "token") {
            let [id, code] = fields::required(members, "id, code")?;
            return Self::code(&fields::string(id)?, &fields::string(code)?);
        }
        let [token] = fields::required(members, "token")?;
        Self::link(&fields::string(token)?)
    }

    /// The token of a link.
    pub(crate) fn link(token: &str) -> Result<Self, Refused> {
        let token = LinkToken::parse(token).map_err(|_| Refused::Link)?;
        Ok(Self::Link(token))
    }

    /// A code, and the challenge that it answers.
    pub(crate) fn code(id: &str, code: &str) -> Result<Self, Refused> {
        let shown = ChallengeId::parse(id).zip(Code::parse(code));
        let shown = shown.map(|(id, code)| Self::Code(id, code));
        shown.ok_or(Refused::Code)
    }

    /// The challenge that it belongs to, if it is good. `typed_by` has shown an access token of the
    /// account.
    pub(crate) async fn look(
        self,
        app: &App,
        kind: Kind,
        typed_by: Option<UserId>,
    ) -> Result<Looked, Refused> {
        let keys = &app.config.challenge_keys;
        let challenges = Challenges(&app.database);
        let now = clock::now();
        match self {
            Self::Link(token) => {
                let is_ours = keys.made(kind, &token);
                // An operator's link is known by its digest.
                if !is_ours && kind != Kind::Invitation {
                    return Err(Refused::Link);
                }
                let open = challenges.look(kind, &token.id, now).await?;
                let is_good = |open: &Open| is_ours || open.link_digest == Some(token.digest());
                let open = open.filter(is_good).ok_or(Refused::Link)?;
                Ok(Looked {
                    open,
                    kind,
                    id: token.id,
                    by_code: false,
                })
            }
            Self::Code(id, code) => {
                let open = challenges.try_code(kind, &id, typed_by, now).await?;
                let is_right = keys.is_code(kind, &id, &code);
                let open = open.filter(|_| is_right).ok_or(Refused::Code)?;
                Ok(Looked {
                    open,
                    kind,
                    id,
                    by_code: true,
                })
            }
        }
    }
}

/// A challenge whose link or code is good.
pub(crate) struct Looked {
    /// What the database has of it.
    pub(crate) open: Open,
    kind: Kind,
    id: ChallengeId,
    by_code: bool,
}

impl Looked {
    /// Who it is, if nobody has used it up meanwhile.
    pub(super) fn spend<'a>(&'a self, nonce: &'a str) -> Spend<'a> {
        Spend {
            kind: self.kind,
            id: &self.id,
            account: &self.open.account,
            by_code: self.by_code,
            nonce,
            now: clock::now(),
        }
    }

    /// The refusal of one that is used up, void or expired.
    pub(super) fn dead(&self) -> Refused {
        if self.by_code {
            Refused::Code
        } else {
            Refused::Link
        }
    }

    /// A refusal for another reason: the code was right, and its try is taken back.
    pub(super) async fn kept(&self, app: &App, refused: impl Into<Refused>) -> Refused {
        if self.by_code
            && let Err(error) = Challenges(&app.database).take_try_back(&self.id).await
        {
            return error.into();
        }
        refused.into()
    }

    /// Its identifier.
    pub(crate) fn id(&self) -> &ChallengeId {
        &self.id
    }

    /// Whether it was shown by its code.
    pub(super) fn by_code(&self) -> bool {
        self.by_code
    }

    /// What has become of it, if the database has used it up.
    pub(super) async fn spent<T>(
        &self,
        app: &App,
        spent: Result<Option<T>, SpendError>,
    ) -> Result<T, Refused> {
        match spent {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(self.dead()),
            Err(SpendError::EmailTaken) => {
                let taken = Refused::Conflict(EMAIL_TAKEN);
                Err(self.kept(app, taken).await)
            }
            Err(SpendError::Store(error)) => Err(error.into()),
        }
    }
}
