//! Lists in pages.

use edge_auth_core::account::UserId;
use serde_json::{Value, json};

use crate::http::{Refused, Reply};
use crate::platform::http::Incoming;

/// What a list is asked for: a number of rows after the one of an id.
pub(super) struct Page {
    pub(super) limit: u32,
    pub(super) after: Option<u64>,
}

impl Page {
    /// The most rows of a page, and how many there are unless the client says.
    const MAX: u64 = 200;
    const DEFAULT: u64 = 50;

    pub(super) fn parse(request: &Incoming) -> Result<Self, Refused> {
        let refused = |text| Err(Refused::Query(text));
        let number = |name| match request.query_parameter(name) {
            None => Ok(None),
            Some(text) => match UserId::from_digits(&text) {
                Some(number) => Ok(Some(number.get().unsigned_abs())),
                None => Err(()),
            },
        };
        let limit = match number("limit") {
            Ok(limit) => limit.unwrap_or(Self::DEFAULT),
            Err(()) => 0,
        };
        let limit = u32::try_from(limit).unwrap_or_default();
        if !(1..=Self::MAX).contains(&limit.into()) {
            return refused("limit must be a number from 1 to 200");
        }
        match number("after") {
            Ok(after) => Ok(Self { limit, after }),
            Err(()) => refused("after must be the id that was given as next"),
        }
    }

    /// The answer of the rows, of which one more than the limit was asked for.
    pub(super) fn reply<T>(
        &self,
        name: &str,
        rows: &[T],
        id: impl Fn(&T) -> i64,
        row_json: impl Fn(&T) -> Value,
    ) -> Reply {
        let limit = self.limit as usize;
        let shown = rows.get(..limit).unwrap_or(rows);
        let next = (rows.len() > limit).then(|| shown.last().map(id));
        let shown: Vec<_> = shown.iter().map(row_json).collect();
        Reply::json(200, &json!({ name: shown, "next": next.flatten() }))
    }
}
