//! Sessions: refresh tokens that survive two tabs and a lost answer, and what ends them.

mod life;
mod refresh;

const SECOND: f64 = 1000.0;
pub(crate) const REVOKED: &str = "{\"msg\":\"Token has been revoked\"}\n";
