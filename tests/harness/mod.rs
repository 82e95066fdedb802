//! A Worker in workerd, what can be asked of it from outside, and what tests start from.

#[allow(dead_code, reason = "the tests of the rules use all of it")]
mod authenticator;
mod client;
mod given;
mod mail;
mod others;
mod request;
mod server;

pub(crate) use authenticator::{Authenticator, USER_PRESENT, USER_VERIFIED};
pub(crate) use client::*;
pub(crate) use given::*;
pub(crate) use mail::*;
pub(crate) use others::*;
pub(crate) use request::*;
pub(crate) use server::*;

use js_sys::JSON;
use serde_json::Value;
use wasm_bindgen::JsValue;

fn to_js(value: &Value) -> JsValue {
    JSON::parse(&value.to_string()).expect("JSON")
}

fn from_js(value: &JsValue) -> Value {
    let text = JSON::stringify(value).expect("a value that JSON can hold");
    serde_json::from_str(&String::from(text)).expect("JSON")
}
