//! The audit trail.

use serde_json::json;

use super::administrator;
use super::page::Page;
use crate::app::App;
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;
use crate::store::audit::Audit;

/// `GET /api/admin/audit`, the latest first.
pub(super) async fn audit(app: &App, request: &Incoming) -> Result<Reply, Refused> {
    administrator(app, request).await?;
    let page = Page::parse(request)?;
    let audit = Audit(&app.database);
    let entries = audit.page(page.after, page.limit + 1).await?;
    let reply = page.reply(
        "events",
        &entries,
        |entry| entry.id,
        |entry| {
            json!({
                "action": entry.action,
                "actor_id": entry.actor_id,
                "address": entry.address,
                "at": entry.at,
                "count": entry.count,
                "detail": entry.detail,
                "id": entry.id,
                "user_agent": entry.user_agent,
                "user_id": entry.user_id,
            })
        },
    );
    Ok(reply)
}
