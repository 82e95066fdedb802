//! Cloudflare's rate limits: one counter a key and data centre, without a database.

use js_sys::{JsString, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::HostError;
use super::calls::settled;

#[wasm_bindgen]
extern "C" {
    type JsRateLimit;

    #[wasm_bindgen(method, catch)]
    fn limit(this: &JsRateLimit, options: &Object) -> Result<Promise, JsValue>;
}

/// A `[[ratelimits]]` binding of `wrangler.toml`. It is looked up when it is asked: most requests ask none.
#[derive(Debug)]
pub struct RateLimit {
    env: JsValue,
    name: &'static str,
}

impl RateLimit {
    /// The binding of that name in the Worker's environment.
    #[must_use]
    pub fn new(env: &JsValue, name: &'static str) -> Self {
        let env = env.clone();
        Self { env, name }
    }

    /// Counts one more request of `key`; false where that is too many.
    ///
    /// # Errors
    /// The binding is missing or failed.
    pub async fn allows(&self, key: &str) -> Result<bool, HostError> {
        let binding = Reflect::get(&self.env, &JsValue::from(self.name))?;
        if !binding.is_object() {
            return Err(HostError::new("no such binding"));
        }
        let options = Object::new();
        Reflect::set(&options, &JsString::from("key"), &JsValue::from(key))?;
        let outcome = binding.unchecked_ref::<JsRateLimit>().limit(&options)?;
        let outcome = settled(outcome).await?;
        Ok(Reflect::get(&outcome, &JsValue::from("success"))?.is_truthy())
    }
}
