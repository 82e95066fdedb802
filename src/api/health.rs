//! `GET /healthz`.

use serde_json::json;

use super::App;
use super::reply::Reply;
use crate::store;

/// 200 once the database answers, 503 otherwise.
pub(super) async fn healthz(app: &App<'_>) -> Reply {
    match store::ping(&app.database).await {
        Ok(()) => Reply::json(200, &json!({ "status": "ok" })),
        Err(error) => {
            let line = json!({ "level": "error", "error": format!("database: {error}") });
            worker::console_error!("{line}");
            Reply::json(503, &json!({ "status": "unavailable" }))
        }
    }
}
