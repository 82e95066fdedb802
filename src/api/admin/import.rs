//! `POST /api/admin/users/import`.

use edge_auth_core::account::import::{self, ImportedAccount};
use edge_auth_core::account::{Role, SignInName};
use edge_auth_core::throttle::{AttemptedName, NameHash};
use serde_json::json;

use super::{administrator, ask_again};
use crate::api::sign_in::throttle;
use crate::app::App;
use crate::http::{Refused, Reply, body, caller};
use crate::platform::http::Incoming;
use crate::platform::{clock, unicode};
use crate::store::audit::Origin;
use crate::store::users::{NotImported, Users};

/// The media type of an import.
const NDJSON: &str = "application/x-ndjson";

/// The most bytes of an import (docs/api.md, "Import").
const MAX_IMPORT_BYTES: usize = 8 * 1024 * 1024;

/// The most lines of an import.
const MAX_IMPORT_LINES: usize = 10_000;

/// Lines that go to the database at once. Each has less than 3 KB there, and a value 2 MB.
const IMPORT_CHUNK: usize = 500;

/// `POST /api/admin/users/import`. The whole body comes first: one that is too long or cut off
/// changes nothing.
pub(super) async fn import(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    let caller = administrator(app, request).await?;
    let media_type = request.header("Content-Type")?.unwrap_or_default();
    if !body::essence(&media_type).eq_ignore_ascii_case(NDJSON) {
        let text = "Content-Type must be application/x-ndjson";
        return Err(Refused::MediaType(text));
    }
    let body = request.body(MAX_IMPORT_BYTES).await?;
    if import::lines(&body).count() > MAX_IMPORT_LINES {
        return Err(Refused::TooLarge);
    }
    let mut skipped = Vec::new();
    let mut accounts = Vec::new();
    let budget = app.config.sign_in_budget();
    for (number, line) in import::lines(&body) {
        match ImportedAccount::parse(line, &app.config.roles, budget, unicode::HOST) {
            Ok(account) => accounts.push((number, account)),
            Err(refused) => skipped.push((number, refused.to_string())),
        }
    }
    let users = Users(&app.database);
    let authority = caller.authority(Some(Role::ADMIN));
    let address = throttle::client_address(request)?;
    let user_agent = request.header("User-Agent")?;
    let mut imported = accounts.len();
    for chunk in accounts.chunks(IMPORT_CHUNK) {
        let parsed: Vec<_> = chunk.iter().map(|(_, account)| account).collect();
        let names: Vec<_> = parsed
            .iter()
            .flat_map(|account| names(app, account))
            .collect();
        let origin = Origin {
            address: address.as_str(),
            user_agent: user_agent.as_deref(),
            now: clock::now(),
        };
        let Some(refused) = users.import(&parsed, &names, &authority, origin).await? else {
            // What was imported before has its events.
            ask_again(app, request, &caller).await?;
            return Err(caller::revoked_meanwhile(app, request, &caller).await);
        };
        for (index, why) in refused {
            if let Some((number, _)) = chunk.get(index) {
                let text = match why {
                    NotImported::AlreadyImported => "Already imported",
                    NotImported::EmailTaken => "Email already registered",
                    NotImported::UsernameTaken => "Username already taken",
                };
                skipped.push((*number, text.to_owned()));
                imported -= 1;
            }
        }
    }
    skipped.sort_unstable();
    let skipped: Vec<_> = skipped
        .into_iter()
        .map(|(line, error)| json!({ "error": error, "line": line }))
        .collect();
    let answer = json!({ "imported": imported, "skipped": skipped });
    Ok(Reply::json(200, &answer))
}

/// The names by which failed sign-ins of an account were counted before it was there.
fn names(app: &App, account: &ImportedAccount) -> impl Iterator<Item = NameHash> {
    let email = account.email.clone().map(SignInName::Email);
    let username = account.username.clone().map(SignInName::Username);
    let names = [email, username].into_iter().flatten();
    names.map(|name| app.config.attempts.name(&AttemptedName::from(name)))
}
