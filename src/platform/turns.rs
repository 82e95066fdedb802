//! Turns: of those in this isolate who ask for one key, one goes after the other, in the order in
//! which they came.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::JsValue;

use super::HostError;
use super::calls::settled;
use super::clock::Timer;

/// How many may be ahead of somebody with one key. Who comes after more does not wait for them: a
/// flood of tries at somebody's name must not keep its owner out.
const MAX_AHEAD: u32 = 16;

thread_local! {
    static LINES: RefCell<HashMap<String, Line>> = RefCell::default();
}

/// Those who have asked for a key and not ended yet.
struct Line {
    /// Settled at the end of the last one's turn.
    last: Promise,
    length: u32,
}

/// A turn. It ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    keys: Vec<String>,
    end: Function,
}

impl Turn {
    /// Waits for the turns of all before with any of `keys`, for each of them no longer than
    /// `patience_ms`: a request whose work was stopped by the host ends nothing.
    ///
    /// # Errors
    /// None in practice: the promises under it have no way to fail.
    pub async fn take(keys: [String; 2], patience_ms: u32) -> Result<Self, HostError> {
        // Each waits for a promise of its own request: the host keeps requests apart.
        let end = RefCell::new(None);
        let ended = Promise::new(&mut |resolve, _| {
            end.replace(Some(resolve));
        });
        let end = end.take().ok_or_else(|| HostError::new("no promise"))?;
        let ahead = Array::new();
        let longest = Cell::new(0);
        let keys = LINES.with_borrow_mut(|lines| {
            let mut joined = Vec::new();
            for key in keys {
                match lines.get_mut(&key) {
                    Some(line) if line.length >= MAX_AHEAD => continue,
                    Some(line) => {
                        ahead.push(&line.last);
                        longest.set(longest.get().max(line.length));
                        line.last = ended.clone();
                        line.length += 1;
                    }
                    None => {
                        let last = ended.clone();
                        lines.insert(key.clone(), Line { last, length: 1 });
                    }
                }
                joined.push(key);
            }
            joined
        });
        let turn = Self { keys, end };
        if ahead.length() > 0 {
            let patience = Timer::start(patience_ms.saturating_mul(longest.get()));
            let all = Promise::all(&ahead);
            let first = Array::of2(&all, patience.promise());
            settled(Promise::race(&first)).await?;
        }
        Ok(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        LINES.with_borrow_mut(|lines| {
            for key in &self.keys {
                if let Some(line) = lines.get_mut(key) {
                    line.length -= 1;
                    if line.length == 0 {
                        lines.remove(key);
                    }
                }
            }
        });
        // It has no way to fail, and there is nobody to tell.
        let _ = self.end.call0(&JsValue::UNDEFINED);
    }
}
