//! Sessions of the pages: who is signed in, where a sign-in leads, and its cookie.

use edge_auth_core::session::SessionId;
use edge_auth_core::sign_in::SignedIn;

use crate::api::sign_in::tokens::Opening;
use crate::app::{App, Unexpected};
use crate::http::caller;
use crate::http::form::Form;
use crate::http::{Refused, Reply, cookies};
use crate::platform::http::Incoming;
use crate::store::audit::Action;
use crate::store::sessions::Sessions;

/// The page of an account's security.
pub(super) const SECURITY: &str = "/account/security";

/// Where a sign-in may lead: no other site, and no page that does something when it is opened.
const PLACES: [&str; 1] = [SECURITY];

/// What a sign-in keeps from its first page to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// Where it leads.
    pub(super) next: &'static str,
    /// Whether it is somebody who is signed in and shows it again.
    pub(super) is_again: bool,
}

impl Way {
    /// What a query or a form says. Whatever is no place of ours leads to the first one that is.
    pub(super) fn take(form: &mut Form) -> Self {
        let next = form.take("next").unwrap_or_default();
        let place = PLACES.into_iter().find(|place| *place == next);
        Self {
            next: place.unwrap_or(SECURITY),
            is_again: form.take("again").is_some(),
        }
    }

    /// What a form of a page on the way has hidden.
    pub(super) fn hidden(self) -> [(&'static str, &'static str); 2] {
        [
            ("next", self.next),
            ("again", if self.is_again { "1" } else { "" }),
        ]
    }

    /// The path and query of a page on the way.
    pub(super) fn page(self, path: &str) -> String {
        let again = if self.is_again { "&again=1" } else { "" };
        format!("{path}?next={}{again}", self.next)
    }
}

/// Where somebody signs in who wants to go to [`SECURITY`].
pub(super) fn sign_in_page(is_again: bool) -> String {
    let next = SECURITY;
    Way { next, is_again }.page("/sign-in")
}

/// Opens a session for whoever is signed in, in the place of the one that the browser had, and leads on. A new one, so that
/// a cookie from before gains nothing by the sign-in.
pub(super) async fn enter(
    app: &App,
    request: &Incoming,
    signed_in: &SignedIn,
    way: Way,
) -> Result<Reply, Refused> {
    let opening = Opening::new(app, request)?;
    let replaced = caller::page_session(app, request)?;
    let sessions = Sessions(&app.database);
    let new = opening.new_session();
    let opened = sessions.open_for(signed_in, &new, replaced.as_ref());
    if !opened.await? {
        // It was changed a moment ago.
        return Err(Refused::Credentials);
    }
    app.trace.by(signed_in.user_id());
    app.trace.did(Action::SignIn, Some(signed_in.user_id()));
    lead_on(app, &opening.id, way)
}

/// Leads on with the cookie of `session`.
pub(super) fn lead_on(app: &App, session: &SessionId, way: Way) -> Result<Reply, Refused> {
    let cookie = app.config.cookie_keys.write(session);
    let cookie = cookie.ok_or_else(|| Unexpected::new("no key for cookies"))?;
    let (name, value) = cookies::set(&cookie);
    Ok(Reply::see_other(way.next).with(name, value))
}

/// `POST /sign-out`.
pub(super) async fn sign_out(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    super::read_form(app, request).await?;
    if let Some(session) = caller::page_session(app, request)?
        && let Some(user_id) = Sessions(&app.database).close(&session).await?
    {
        app.trace.by(user_id);
        app.trace.did(Action::Logout, Some(user_id));
    }
    let (name, value) = cookies::clear();
    Ok(Reply::see_other("/sign-in").with(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(query: &str) -> Way {
        Way::take(&mut Form::of_text(query))
    }

    #[test]
    fn a_sign_in_leads_to_a_place_of_the_list_alone() {
        for query in [
            "",
            "next=",
            "next=/account/security",
            "next=/account/security/",
            "next=/account/confirm",
            "next=/account/securityx",
            "next=/Account/security",
            "next=https://evil.example/account/security",
            "next=//evil.example",
            "next=/%5Cevil.example",
            "next=/account/security%0D%0ASet-Cookie:a",
            "next=javascript:alert(1)",
            "next=/sign-out",
        ] {
            assert_eq!(way(query).next, "/account/security", "{query}");
        }
    }

    #[test]
    fn a_way_is_the_same_on_each_of_its_pages() {
        for query in ["next=/account/security", "next=/account/security&again=1"] {
            let path = way(query).page("/sign-in");
            assert_eq!(path, format!("/sign-in?{query}"));
            let [next, again] = way(query).hidden();
            let sent = format!("next={}&again={}", next.1, again.1);
            assert_eq!(way(&sent), way(query));
        }
    }
}
