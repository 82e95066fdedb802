//! The `Authorization` header of a protected route.

/// A scheme that carries an access token, in any case of letters (RFC 9110 section 11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `Bearer` (RFC 6750), the accounts API's.
    Bearer,
    /// `JWT`, Flask-JWT's.
    Jwt,
}

impl Scheme {
    fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("bearer") {
            Some(Self::Bearer)
        } else if name.eq_ignore_ascii_case("jwt") {
            Some(Self::Jwt)
        } else {
            None
        }
    }
}

/// Why a header holds no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderProblem {
    /// No header, or one with nothing in it.
    Missing,
    /// Neither scheme, or more than one token to choose from.
    NoScheme,
    /// A scheme and nothing after it.
    TokenMissing,
    /// More than one word after the scheme.
    TokenContainsSpaces,
}

/// What a header says: the scheme, if one was recognized, and the token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credentials<'a> {
    /// The scheme whose dialect answers a problem, where the route leaves that open.
    pub(super) scheme: Option<Scheme>,
    /// The token, or why there is none.
    pub(super) token: Result<&'a str, HeaderProblem>,
}

/// Reads a header's value: a list with commas, whose empty elements are skipped and in which
/// other schemes may stand (contract, introduction).
pub(super) fn parse(header: Option<&str>) -> Credentials<'_> {
    let mut elements = header
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .peekable();
    let nothing = elements.peek().is_none();
    let mut ours = elements.filter_map(|element| {
        let mut words = element.split_whitespace();
        Some((Scheme::from_name(words.next()?)?, words))
    });
    let Some((scheme, mut words)) = ours.next() else {
        let problem = if nothing {
            HeaderProblem::Missing
        } else {
            HeaderProblem::NoScheme
        };
        return Credentials {
            scheme: None,
            token: Err(problem),
        };
    };
    let token = if ours.next().is_some() {
        Err(HeaderProblem::NoScheme)
    } else {
        match (words.next(), words.next()) {
            (Some(token), None) => Ok(token),
            (None, _) => Err(HeaderProblem::TokenMissing),
            (Some(_), Some(_)) => Err(HeaderProblem::TokenContainsSpaces),
        }
    };
    Credentials {
        scheme: Some(scheme),
        token,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> Result<&str, HeaderProblem> {
        parse(Some(header)).token
    }

    #[test]
    fn both_schemes_in_any_case() {
        for (header, scheme) in [
            ("Bearer a.b.c", Scheme::Bearer),
            ("bEARER a.b.c", Scheme::Bearer),
            ("JWT a.b.c", Scheme::Jwt),
            ("jwt  a.b.c ", Scheme::Jwt),
            ("JWT\ta.b.c", Scheme::Jwt),
            ("Basic x, JWT a.b.c", Scheme::Jwt),
            ("Basic x,, Bearer a.b.c", Scheme::Bearer),
            ("Bearer a.b.c,", Scheme::Bearer),
        ] {
            let credentials = parse(Some(header));
            assert_eq!(credentials.scheme, Some(scheme), "{header}");
            assert_eq!(credentials.token, Ok("a.b.c"), "{header}");
        }
    }

    #[test]
    fn problems() {
        assert_eq!(parse(None).token, Err(HeaderProblem::Missing));
        for (header, problem) in [
            ("", HeaderProblem::Missing),
            (" , ,", HeaderProblem::Missing),
            ("Basic x", HeaderProblem::NoScheme),
            ("a.b.c", HeaderProblem::NoScheme),
            ("Bearera.b.c", HeaderProblem::NoScheme),
            ("Bearer a.b.c, Bearer a.b.c", HeaderProblem::NoScheme),
            ("JWT a.b.c, Bearer a.b.c", HeaderProblem::NoScheme),
            ("Bearer", HeaderProblem::TokenMissing),
            ("JWT ,", HeaderProblem::TokenMissing),
            ("Bearer a b", HeaderProblem::TokenContainsSpaces),
        ] {
            assert_eq!(token(header), Err(problem), "{header}");
        }
        assert_eq!(token("Bearer a,b"), Ok("a"));
    }
}
