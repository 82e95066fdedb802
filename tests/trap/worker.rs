//! A Worker whose wasm instance dies on request.

#![expect(clippy::panic, reason = "dying is what it is for")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use worker::{
    Context, Delay, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event,
};

static SOMEONE_WAITS: AtomicBool = AtomicBool::new(false);

#[event(fetch)]
async fn fetch(request: Request, _env: Env, _ctx: Context) -> Result<Response> {
    match request.path().as_str() {
        "/at-once" => panic!("before anything is awaited"),
        "/later" | "/auth" => {
            Delay::from(Duration::from_millis(1)).await;
            panic!("after something was awaited")
        }
        "/stack" => Response::ok(recurse(0).to_string()),
        "/memory" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(Vec::<u8>::with_capacity(1 << 28));
            }
        }
        "/wait" => {
            SOMEONE_WAITS.store(true, Ordering::Relaxed);
            Delay::from(Duration::from_secs(600)).await;
            Response::ok("waited")
        }
        "/when-someone-waits" => {
            while !SOMEONE_WAITS.load(Ordering::Relaxed) {
                Delay::from(Duration::from_millis(1)).await;
            }
            panic!("while someone waits")
        }
        _ => Response::ok("alive"),
    }
}

#[expect(unconditional_recursion, reason = "it exhausts the stack")]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box(depth) + recurse(std::hint::black_box(depth + 1))
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, _env: Env, _ctx: ScheduleContext) {
    panic!("in the cron trigger")
}
