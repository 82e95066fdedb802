//! The `Authorization` header of a protected route.

use edge_auth_core::dialect::Dialect;

/// Why a header holds no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderProblem {
    /// No header, or one with nothing in it.
    Missing,
    /// Neither scheme, or more than one token to choose from.
    NoScheme,
    /// A scheme and nothing after it.
    TokenMissing,
    /// More than one word after the scheme.
    TokenContainsSpaces,
}

/// What a header says: the scheme, if it is one of ours, and the token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Credentials<'a> {
    /// The dialect of the scheme, which answers a problem where the route leaves that open.
    pub(crate) dialect: Option<Dialect>,
    /// The token, or why there is none.
    pub(crate) token: Result<&'a str, HeaderProblem>,
}

/// Reads a header's value: a list with commas, whose empty elements are skipped and in which
/// other schemes may stand (docs/api.md, "Dialects").
pub(crate) fn parse(header: Option<&str>) -> Credentials<'_> {
    let mut elements = header
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .peekable();
    let nothing = elements.peek().is_none();
    let mut ours = elements.filter_map(|element| {
        let mut words = element.split_whitespace();
        Some((Dialect::of_scheme(words.next()?)?, words))
    });
    let Some((dialect, mut words)) = ours.next() else {
        let problem = if nothing {
            HeaderProblem::Missing
        } else {
            HeaderProblem::NoScheme
        };
        return Credentials {
            dialect: None,
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
        dialect: Some(dialect),
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
        for (header, dialect) in [
            ("Bearer a.b.c", Dialect::JwtExtended),
            ("bEARER a.b.c", Dialect::JwtExtended),
            ("JWT a.b.c", Dialect::FlaskJwt),
            ("jwt  a.b.c ", Dialect::FlaskJwt),
            ("JWT\ta.b.c", Dialect::FlaskJwt),
            ("Basic x, JWT a.b.c", Dialect::FlaskJwt),
            ("Basic x,, Bearer a.b.c", Dialect::JwtExtended),
            ("Bearer a.b.c,", Dialect::JwtExtended),
        ] {
            let credentials = parse(Some(header));
            assert_eq!(credentials.dialect, Some(dialect), "{header}");
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
