//! `GET /healthz`.

use serde_json::json;

use crate::app::App;
use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;
use crate::trace::log;

/// 200 once the database answers, 503 otherwise.
pub(super) async fn healthz(app: &App, _request: &Incoming) -> Result<Reply, Refused> {
    Ok(match app.database.ping().await {
        Ok(()) => Reply::json(200, &json!({ "status": "ok" })),
        Err(error) => {
            log(format_args!("database: {error}"));
            Reply::json(503, &json!({ "status": "unavailable" }))
        }
    })
}
