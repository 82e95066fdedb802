//! `GET /healthz`.

use serde_json::json;

use super::reply::Reply;
use super::{App, log};

/// 200 once the database answers, 503 otherwise.
pub(super) async fn healthz(app: &App) -> Reply {
    match app.database.ping().await {
        Ok(()) => Reply::json(200, &json!({ "status": "ok" })),
        Err(error) => {
            log(format_args!("database: {error}"));
            Reply::json(503, &json!({ "status": "unavailable" }))
        }
    }
}
