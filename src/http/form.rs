//! What a page's form or a link sends: names and values, `application/x-www-form-urlencoded` (URL Standard, section 5).

use super::body::{MAX_BYTES, essence};
use super::{Refused, csrf};
use crate::platform::http::Incoming;

/// The most names, more than any form has. Each one is compared with those before it.
const MAX_NAMES: usize = 32;

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Names and their values, each name once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// The body of a form that a page of this service has sent. There is no other way to read one, so no form of another site
    /// is ever read. `public_origin` is what browsers know this service by, if that is not what `request` says.
    ///
    /// # Errors
    /// [`Refused::CrossSite`], and what is wrong with the body.
    pub(crate) async fn read(
        request: &Incoming,
        public_origin: Option<&str>,
    ) -> Result<Self, Refused> {
        csrf::check(request, public_origin)?;
        let media_type = request.header("Content-Type")?;
        if !media_type.is_some_and(|value| essence(&value).eq_ignore_ascii_case(MEDIA_TYPE)) {
            let text = "Content-Type must be application/x-www-form-urlencoded";
            return Err(Refused::MediaType(text));
        }
        let body = request.body(MAX_BYTES).await?;
        Self::parse(&body).ok_or(Refused::NotAForm)
    }

    /// The query of the URL, unless a name is there twice or there are too many.
    pub(crate) fn of_query(request: &Incoming) -> Option<Self> {
        Self::parse(request.query().unwrap_or_default().as_bytes())
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if pairs.len() == MAX_NAMES || pairs.iter().any(|(other, _)| *other == name) {
                return None;
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Some(Self(pairs))
    }

    /// What `text` would be as a query.
    #[cfg(test)]
    pub(crate) fn of_text(text: &str) -> Self {
        Self::parse(text.as_bytes()).unwrap()
    }

    /// Whether the field `name` is there, empty or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// The value of the field `name`, unless it is absent or empty: what is left empty is sent all the same.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        let (_, value) = self.0.swap_remove(at);
        (!value.is_empty()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn fields_are_decoded() {
        let text = b"a=1&b=%C3%BC+x%2B&c=&d&=e&%66=g";
        let mut form = Form::parse(text).unwrap();
        for (name, value) in [
            ("a", Some("1")),
            ("b", Some("ü x+")),
            ("c", None),
            ("d", None),
            ("", Some("e")),
            ("f", Some("g")),
            ("a", None),
        ] {
            assert_eq!(form.take(name).as_deref(), value, "{name}");
        }
        assert_eq!(Form::parse(b""), Some(Form(Vec::new())));
    }

    #[test]
    fn no_form_has_so_many_names() {
        let names = |count: usize| {
            let names: Vec<_> = (0..count).map(|name| name.to_string()).collect();
            names.join("&")
        };
        assert!(Form::parse(names(32).as_bytes()).is_some());
        assert!(Form::parse(names(33).as_bytes()).is_none());
    }

    #[test]
    fn no_name_is_there_twice() {
        for text in ["a=1&a=1", "a=1&b=2&a", "a=1&%61=2"] {
            assert_eq!(Form::parse(text.as_bytes()), None, "{text}");
        }
    }
}
