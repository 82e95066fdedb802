//! A Worker whose wasm instance dies on request.

#![expect(clippy::panic, reason = "dying is what it is for")]

use std::sync::atomic::{AtomicBool, Ordering};

use calls::Outcome;
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{Request, Response};

/// The product's own. The rest of it has exports of the same names.
#[path = "../../src/platform/calls.rs"]
pub mod calls;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: u32);
}

static SOMEONE_WAITS: AtomicBool = AtomicBool::new(false);

/// Does nothing.
#[wasm_bindgen]
pub fn prepare(_env: &JsValue) {}

/// Answers as the path says.
#[wasm_bindgen]
pub fn fetch(call: u32, request: Request, _env: JsValue) -> JsValue {
    calls::begin(call, async move {
        let text = answer(&request.url()).await;
        let response = Response::new_with_opt_str(Some(&text)).map(JsValue::from);
        let answer = response.unwrap_or_default();
        Outcome { answer, rest: None }
    })
}

async fn answer(url: &str) -> String {
    match url.rsplit_once('/').map_or("", |(_, name)| name) {
        "at-once" => panic!("before anything is awaited"),
        "later" | "auth" => {
            wait(1).await;
            panic!("after something was awaited")
        }
        "stack" => recurse(0).to_string(),
        "memory" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(Vec::<u8>::with_capacity(1 << 28));
            }
        }
        "wait" => {
            SOMEONE_WAITS.store(true, Ordering::Relaxed);
            wait(600_000).await;
            "waited".to_owned()
        }
        "when-someone-waits" => {
            while !SOMEONE_WAITS.load(Ordering::Relaxed) {
                wait(1).await;
            }
            panic!("while someone waits")
        }
        _ => "alive".to_owned(),
    }
}

async fn wait(milliseconds: u32) {
    let timer = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, milliseconds);
    });
    let _ = calls::settled(timer).await;
}

#[expect(unconditional_recursion, reason = "it exhausts the stack")]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box(depth) + recurse(std::hint::black_box(depth + 1))
}

/// Dies.
#[wasm_bindgen]
pub fn scheduled(call: u32, _env: JsValue) -> JsValue {
    calls::begin(call, async { panic!("in the cron trigger") })
}
