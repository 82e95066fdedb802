//! Which route a path leads to.

use std::future::Future;
use std::pin::Pin;

use edge_auth_core::dialect::Dialect;

use super::{Refused, Reply};
use crate::app::App;
use crate::config::gateway::{Place, Prefix, Prefixes};
use crate::platform::http::Incoming;
use crate::platform::unicode;

/// An answer that is still to come. In a box, so that what one route does is not compiled into the
/// code of every other.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, Refused>> + 'a>>;

/// What answers a request; the text is what the `*` of the path stands for.
pub(crate) type Handler = for<'a> fn(&'a App, &'a Incoming, &'a str) -> Answering<'a>;

/// The [`Handler`] of an async function of an `App` and a request, or of these and the text of the
/// `*`.
macro_rules! handler {
    ($function:path) => {
        |app, request, _| Box::pin($function(app, request))
    };
    ($function:path, segment) => {
        |app, request, segment| Box::pin($function(app, request, segment))
    };
}
pub(crate) use handler;

/// A method of a route.
pub struct Method {
    name: &'static str,
    /// Whether it only reads, so that a replica of the database may answer.
    only_reads: bool,
    /// Whether it is there only where mail is set up.
    needs_mail: bool,
    pub(crate) handler: Handler,
}

impl Method {
    /// A method that may write.
    pub(crate) const fn new(name: &'static str, handler: Handler) -> Self {
        Self {
            name,
            only_reads: false,
            needs_mail: false,
            handler,
        }
    }

    /// The same, only where mail is set up.
    pub(crate) const fn by_mail(self) -> Self {
        Self {
            needs_mail: true,
            ..self
        }
    }

    /// `GET`, which only reads; `HEAD` goes with it.
    pub(crate) const fn get(handler: Handler) -> Self {
        Self {
            name: "GET",
            only_reads: true,
            needs_mail: false,
            handler,
        }
    }
}

/// Which methods a route has.
pub(crate) enum Methods {
    /// Any, known or not.
    Any(Method),
    /// These.
    Each(&'static [Method]),
}

/// What answers look like on a route, refusals above all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// JSON; errors that are not about a token are in this dialect's form.
    Api(Dialect),
    /// A page.
    Page,
}

/// A line of the table.
pub struct Route {
    /// The path, byte for byte; a `*` stands for one segment.
    pub(crate) path: &'static str,
    pub(crate) methods: Methods,
    pub(crate) surface: Surface,
}

impl Route {
    /// A route of the accounts API.
    pub(crate) const fn api(path: &'static str, methods: &'static [Method]) -> Self {
        Self {
            path,
            methods: Methods::Each(methods),
            surface: Surface::Api(Dialect::JwtExtended),
        }
    }

    /// What the `*` stands for in `path`, empty without one; `None` of another route's path.
    fn segment<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.split_once('*') {
            None => (self.path == path).then_some(""),
            Some((prefix, suffix)) => path
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix(suffix))
                .filter(|segment| !segment.is_empty() && !segment.contains('/')),
        }
    }

    /// What a request of that method is answered by, where the service sends mail or does not.
    pub(crate) fn method(&self, name: &str, sends_mail: bool) -> Option<&Method> {
        let methods = match &self.methods {
            Methods::Any(method) => return Some(method),
            Methods::Each(methods) => methods,
        };
        let looked_up = if name == "HEAD" { "GET" } else { name };
        let fits =
            |method: &&Method| method.name == looked_up && (sends_mail || !method.needs_mail);
        methods.iter().find(fits)
    }

    /// The methods that there are, as in `Allow`, unless any is one.
    pub(crate) fn method_names(&self, sends_mail: bool) -> Option<String> {
        let Methods::Each(methods) = self.methods else {
            return None;
        };
        let methods = methods.iter();
        let methods = methods.filter(|method| sends_mail || !method.needs_mail);
        let names: Vec<_> = methods.map(|method| method.name).collect();
        Some(names.join(", ").replace("GET", "GET, HEAD"))
    }
}

/// The methods in common use, of a prefix, where any is one.
const COMMON_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// Where a path leads.
pub enum Target<'a> {
    /// To a route of this service, with the text that its `*` stands for.
    Route(&'static Route, &'a str),
    /// To the service behind a protected prefix.
    Prefix(&'a Prefix),
    /// To a path under a prefix that two servers could read as two.
    Ambiguous,
    /// Nowhere.
    Nothing,
}

/// Where `path` leads. It counts byte for byte: no trailing slash, no second spelling.
pub(crate) fn resolve<'a>(
    path: &'a str,
    prefixes: &'a Prefixes,
    areas: &'static [&'static [Route]],
) -> Target<'a> {
    match prefixes.place(path, unicode::fold) {
        Place::Under(prefix) => Target::Prefix(prefix),
        Place::Ambiguous => Target::Ambiguous,
        Place::Outside => areas
            .iter()
            .copied()
            .flatten()
            .find_map(|route| Some(Target::Route(route, route.segment(path)?)))
            .unwrap_or(Target::Nothing),
    }
}

impl Target<'_> {
    /// The line of the table or the prefix, for the log: it holds no client's text.
    #[must_use]
    pub fn pattern(&self) -> &str {
        match self {
            Self::Route(route, _) => route.path,
            Self::Prefix(prefix) => &prefix.prefix,
            Self::Ambiguous | Self::Nothing => "",
        }
    }

    /// Whether a request of that method only reads here, so that a replica of the database may answer.
    #[must_use]
    pub fn only_reads(&self, method: &str) -> bool {
        match self {
            Self::Route(route, _) => route
                .method(method, true)
                .is_some_and(|method| method.only_reads),
            Self::Prefix(_) => true,
            Self::Ambiguous | Self::Nothing => false,
        }
    }

    /// What answers look like there.
    pub(crate) fn surface(&self) -> Surface {
        match self {
            Self::Route(route, _) => route.surface,
            _ => Surface::Api(Dialect::JwtExtended),
        }
    }

    /// The methods, as a preflight is told. `/verify` tells none: a proxy that asks there with its
    /// client's method must not take a preflight for a token. Nor does a prefix whose upstream answers
    /// preflights itself, `OPTIONS` being public there, nor a page, which is read by no other one.
    pub(super) fn methods(&self) -> Option<String> {
        match self {
            Self::Route(route, _) if route.surface == Surface::Page => None,
            Self::Route(route, _) => route.method_names(true),
            Self::Prefix(prefix) => {
                let passes = prefix.public_methods.iter().any(|name| name == "OPTIONS");
                (!passes).then(|| COMMON_METHODS.to_owned())
            }
            Self::Ambiguous | Self::Nothing => None,
        }
    }
}
