//! Calls of the host: each is a future, which `scripts/entry.js` drives from one promise to the next.
//!
//! wasm-bindgen-futures would take two closures for each promise, which the host's garbage collector
//! has to be told of, a turn of the host's queue more, and a promise for an answer that waits for
//! nothing. Here a call is polled as soon as it is made, and a trap is an exception that reaches the
//! one who polled.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// What a promise became: the value it was kept with, or the reason for which it was broken.
pub type Settled = Result<JsValue, JsValue>;

/// The future of a call.
pub type Call = Pin<Box<dyn Future<Output = Outcome>>>;

/// How a call ends.
#[derive(Default)]
pub struct Outcome {
    /// What the host is handed: a `Response`, or undefined where it asked for none.
    pub answer: JsValue,
    /// What is left to do once the answer is on its way.
    pub rest: Option<Call>,
}

/// How far a future has come.
pub enum Step<T> {
    /// To its end.
    Done(T),
    /// To a promise that it waits for.
    Waits(JsValue),
}

thread_local! {
    /// The calls that wait, by the numbers that the host gave them.
    static WAITING: RefCell<BTreeMap<u32, Call>> = RefCell::default();
    /// From the future to who polls it: what it waits for.
    static PROMISE: Cell<Option<JsValue>> = Cell::default();
    /// The way back: what that has become.
    static SETTLED: Cell<Option<Settled>> = Cell::default();
}

/// Waits until `promise` is settled. Only one promise at a time can be waited for in a call.
///
/// # Errors
/// The reason for which it was broken.
pub async fn settled(promise: impl Into<JsValue>) -> Settled {
    SETTLED.take();
    PROMISE.set(Some(promise.into()));
    poll_fn(|_| SETTLED.take().map_or(Poll::Pending, Poll::Ready)).await
}

/// Polls `future`; `settled` is what became of the promise that it has waited for, if it has.
pub fn step<T>(
    future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    settled: Option<Settled>,
) -> Step<T> {
    SETTLED.set(settled);
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Step::Done(value),
        Poll::Pending => Step::Waits(PROMISE.take().unwrap_or_default()),
    }
}

/// Begins the call of that number. Says its answer, or else the promise that it waits for.
pub fn begin(number: u32, call: impl Future<Output = Outcome> + 'static) -> JsValue {
    proceed(number, Box::pin(call), None)
}

/// Goes on with the call of that number, whose promise was kept with `value`, or broken for it. Says
/// the same as [`begin`], and undefined at its end.
#[wasm_bindgen]
pub fn resume(number: u32, kept: bool, value: JsValue) -> JsValue {
    // Without one, its instance has died or there is nothing left to do.
    let Some(call) = WAITING.with_borrow_mut(|waiting| waiting.remove(&number)) else {
        return JsValue::UNDEFINED;
    };
    proceed(
        number,
        call,
        Some(if kept { Ok(value) } else { Err(value) }),
    )
}

/// Whether nothing is left to do of the call of that number.
#[wasm_bindgen]
#[must_use]
pub fn is_over(number: u32) -> bool {
    WAITING.with_borrow(|waiting| !waiting.contains_key(&number))
}

fn proceed(number: u32, mut call: Call, settled: Option<Settled>) -> JsValue {
    let (value, next) = match step(call.as_mut(), settled) {
        Step::Done(outcome) => (outcome.answer, outcome.rest),
        Step::Waits(promise) => (promise, Some(call)),
    };
    if let Some(next) = next {
        WAITING.with_borrow_mut(|waiting| waiting.insert(number, next));
    }
    value
}
