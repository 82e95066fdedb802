//! Too many attempts.

use super::reply::{Dialect, Reply};
use super::{App, Unexpected, log};
use crate::auth::attempt::ClientAddress;
use crate::platform::clock;
use crate::platform::http::Incoming;
use crate::platform::rate_limit::RateLimit;
use crate::store::attempts::Attempts;

/// The period of the rate limits in `wrangler.toml`, in seconds.
const RATE_LIMIT_PERIOD: u64 = 60;

/// An attempt that has to wait so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany(u64);

impl TooMany {
    /// Too many until `time`, Unix time in milliseconds.
    pub(super) fn until(time: u64) -> Self {
        Self(time.saturating_sub(clock::now_ms()).div_ceil(1000).max(1))
    }

    /// The 429 (RFC 6585 section 4).
    pub(super) fn reply(self, dialect: Dialect) -> Reply {
        let reply = dialect.error(429, "Too many requests");
        reply.with("Retry-After", self.0.to_string())
    }
}

/// Where `request` came from, unless `limit` has had too many from there. A limit that fails stops
/// nobody; the failures that the database counts still do.
pub(super) async fn admit(
    limit: &RateLimit,
    request: &Incoming,
) -> Result<Result<ClientAddress, TooMany>, Unexpected> {
    let address = ClientAddress::parse(request.header("CF-Connecting-IP")?.as_deref());
    let allowed = limit
        .allows(address.as_str())
        .await
        .unwrap_or_else(|error| {
            log(format_args!("rate limit: {error}"));
            true
        });
    Ok(if allowed {
        Ok(address)
    } else {
        Err(TooMany(RATE_LIMIT_PERIOD))
    })
}

/// Whether the address of that key may try further, with one more failure of its own, such as to
/// ask whether an account exists.
pub(super) async fn count_failure(
    app: &App,
    address_key: &str,
) -> Result<Result<(), TooMany>, Unexpected> {
    let attempts = Attempts(&app.database);
    let closed = attempts
        .address_failed(address_key, clock::now_ms())
        .await?;
    Ok(closed.map_or(Ok(()), |time| Err(TooMany::until(time))))
}
