//! Other services: what passes a request on to them and hands back their answer, neither of which
//! is read here.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{self, RequestCache, RequestInit, RequestRedirect};

use super::HostError;
use super::calls::settled;
use super::http::Incoming;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch_from_origin(request: &web_sys::Request) -> Result<Promise, JsValue>;
}

#[wasm_bindgen(module = "/src/platform/web_socket.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn until(response: &web_sys::Response, end_ms: f64) -> Result<web_sys::Response, JsValue>;
}

/// The service bindings of `wrangler.toml`.
#[derive(Debug)]
pub struct Services(JsValue);

impl Services {
    /// Those in the Worker's environment.
    #[must_use]
    pub fn new(env: &JsValue) -> Self {
        Self(env.clone())
    }
}

/// An upstream's answer, as the host has it: its body a stream, its WebSocket open.
#[derive(Debug)]
pub struct Answered(web_sys::Response);

impl Answered {
    /// The answer, whose WebSocket, if it has one, is closed on both sides when `end_ms`, in
    /// milliseconds of Unix time, has come.
    ///
    /// # Errors
    /// The WebSocket is taken already.
    pub fn until(self, end_ms: f64) -> Result<Self, HostError> {
        Ok(Self(until(&self.0, end_ms)?))
    }
}

impl From<Answered> for web_sys::Response {
    fn from(answered: Answered) -> Self {
        answered.0
    }
}

/// A request on its way to an upstream: method, headers and body are those that came in.
#[derive(Debug)]
pub struct Outgoing {
    request: web_sys::Request,
    /// The binding that takes it and its `fetch`; an origin is reached by the global one.
    binding: Option<(JsValue, Function)>,
}

impl Outgoing {
    /// The request, at its own URL, for the service binding of that name.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn to_binding(
        incoming: &Incoming,
        services: &Services,
        name: &str,
    ) -> Result<Self, HostError> {
        let binding = Reflect::get(&services.0, &JsValue::from(name))?;
        let fetch = binding
            .is_object()
            .then(|| Reflect::get(&binding, &JsValue::from("fetch")));
        let fetch = fetch.and_then(|fetch| fetch.ok()?.dyn_into().ok());
        let Some(fetch) = fetch else {
            return Err(HostError::new(format_args!("no service binding {name}")));
        };
        let init = RequestInit::new();
        init.set_redirect(RequestRedirect::Manual);
        let request = web_sys::Request::new_with_request_and_init(incoming.inner(), &init)?;
        Ok(Self {
            request,
            binding: Some((binding, fetch)),
        })
    }

    /// The request, at its own path and query, for another origin.
    ///
    /// # Errors
    /// The host makes no URL of these.
    pub fn to_origin(incoming: &Incoming, origin: &str) -> Result<Self, HostError> {
        let mut url = format!("{origin}{}", incoming.path());
        if let Some(query) = incoming.query() {
            url.push('?');
            url.push_str(query);
        }
        let like_incoming = incoming.inner().unchecked_ref::<RequestInit>();
        let request = web_sys::Request::new_with_str_and_init(&url, like_incoming)?;
        let init = RequestInit::new();
        init.set_redirect(RequestRedirect::Manual);
        // Cloudflare keeps answers by their URL, and would give one caller's to the next.
        init.set_cache(RequestCache::NoStore);
        let request = web_sys::Request::new_with_request_and_init(&request, &init)?;
        // That of this service; the host writes the origin's.
        request.headers().delete("Host")?;
        Ok(Self {
            request,
            binding: None,
        })
    }

    /// The names of its headers, in lower case.
    #[must_use]
    pub fn header_names(&self) -> Vec<String> {
        // One text crosses the boundary, not one a header. No name holds a line feed.
        let names = Array::from(&self.request.headers().keys()).join("\n");
        let names = String::from(names);
        let names = names.split('\n').filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }

    /// Takes every header of this name away.
    ///
    /// # Errors
    /// None for a valid header name.
    pub fn drop_header(&self, name: &str) -> Result<(), HostError> {
        Ok(self.request.headers().delete(name)?)
    }

    /// Sets a header, in the place of any of its name.
    ///
    /// # Errors
    /// None for a valid header.
    pub fn set_header(&self, name: &str, value: &str) -> Result<(), HostError> {
        Ok(self.request.headers().set(name, value)?)
    }

    /// Sends it, and comes back with the head of the answer.
    ///
    /// # Errors
    /// The upstream cannot be reached, or it threw.
    pub async fn send(self) -> Result<Answered, HostError> {
        let answer = match self.binding {
            Some((binding, fetch)) => fetch.call1(&binding, &self.request)?,
            None => fetch_from_origin(&self.request)?.into(),
        };
        let answer = settled(Promise::resolve(&answer)).await?;
        let is_no_response = |_| HostError::new("it answered with no Response");
        Ok(Answered(answer.dyn_into().map_err(is_no_response)?))
    }
}
