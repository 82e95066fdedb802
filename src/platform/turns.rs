//! Turns: of those in this isolate who ask for one key, one goes after the other, in the order in
//! which they came.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::JsValue;

use super::HostError;
use super::calls::settled;
use super::clock::{self, Timer};
use edge_auth_core::time::{Milliseconds, UnixMillis};

/// How many may be ahead of somebody with one key. Who comes after more does not wait for them: a
/// flood of tries at somebody's name must not keep its owner out.
pub const MAX_AHEAD: u32 = 16;

thread_local! {
    static LINES: RefCell<HashMap<String, Line>> = RefCell::default();
    static NUMBERS: RefCell<u64> = RefCell::default();
}

/// Those who have asked for a key and not ended yet.
struct Line {
    /// Settled at the end of the last one's turn.
    last: Promise,
    /// Their numbers, and until when each is waited for: a request whose work the host has
    /// stopped ends nothing.
    turns: Vec<(u64, UnixMillis)>,
}

/// A turn. It ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    number: u64,
    keys: Vec<String>,
    end: Function,
    is_out_of_turn: bool,
}

impl Turn {
    /// Waits for the turns of all before with any of `keys`, for each of them no longer than
    /// `patience`.
    ///
    /// # Errors
    /// None in practice: the host makes every promise.
    pub async fn take(keys: Vec<String>, patience: Milliseconds) -> Result<Self, HostError> {
        // Each waits for a promise of its own request: the host keeps requests apart.
        let end = RefCell::new(None);
        let ended = Promise::new(&mut |resolve, _| {
            end.replace(Some(resolve));
        });
        let end: Function = end
            .take()
            .ok_or_else(|| HostError::new("a promise without an end"))?;
        let number = NUMBERS.with_borrow_mut(|number| {
            *number += 1;
            *number
        });
        let now = clock::now();
        let ahead = Array::new();
        let mut longest = 0;
        let mut is_out_of_turn = false;
        let keys = LINES.with_borrow_mut(|lines| {
            lines.retain(|_, line| {
                line.turns.retain(|(_, until)| *until > now);
                !line.turns.is_empty()
            });
            let mut joined = Vec::new();
            for key in keys {
                let length = lines.get(&key).map_or(0, |line| line.turns.len());
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                if length >= MAX_AHEAD {
                    is_out_of_turn = true;
                    continue;
                }
                longest = longest.max(length);
                let until = now.plus(patience.times(length + 1));
                let line = lines.entry(key.clone()).or_insert_with(|| Line {
                    last: ended.clone(),
                    turns: Vec::new(),
                });
                if length > 0 {
                    ahead.push(&line.last);
                    line.last = ended.clone();
                }
                line.turns.push((number, until));
                joined.push(key);
            }
            joined
        });
        let turn = Self {
            number,
            keys,
            end,
            is_out_of_turn,
        };
        if ahead.length() > 0 && !is_out_of_turn {
            let patience = Timer::start(patience.times(longest));
            let first = Array::of2(&Promise::all(&ahead), patience.promise());
            // The host breaks the promise of a request that it has stopped: that is an end as well.
            let _ = settled(Promise::race(&first)).await;
        }
        Ok(turn)
    }

    /// Whether too many were ahead, and nobody was waited for.
    #[must_use]
    pub fn is_out_of_turn(&self) -> bool {
        self.is_out_of_turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        LINES.with_borrow_mut(|lines| {
            for key in &self.keys {
                if let Some(line) = lines.get_mut(key) {
                    line.turns.retain(|(number, _)| *number != self.number);
                    if line.turns.is_empty() {
                        lines.remove(key);
                    }
                }
            }
        });
        // It has no way to fail, and there is nobody to tell.
        let _ = self.end.call0(&JsValue::UNDEFINED);
    }
}
