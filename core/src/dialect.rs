//! The two old APIs whose clients are answered in their own words.

/// Which of the two a client expects. A token of either scheme is good everywhere; the scheme that was
/// sent says whose words its problems are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Flask-JWT's, of `POST /auth` and the scheme `JWT`.
    FlaskJwt,
    /// Flask-JWT-Extended's, of the accounts API and the scheme `Bearer`.
    JwtExtended,
}

impl Dialect {
    /// The dialect of an authentication scheme, in any case of letters (RFC 9110 section 11.1).
    #[must_use]
    pub fn of_scheme(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("bearer") {
            Some(Self::JwtExtended)
        } else if name.eq_ignore_ascii_case("jwt") {
            Some(Self::FlaskJwt)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_read_in_any_case() {
        for name in ["Bearer", "bearer", "bEARER"] {
            assert_eq!(Dialect::of_scheme(name), Some(Dialect::JwtExtended));
        }
        for name in ["JWT", "jwt"] {
            assert_eq!(Dialect::of_scheme(name), Some(Dialect::FlaskJwt));
        }
        for name in ["", "Basic", "Bearer ", "token"] {
            assert_eq!(Dialect::of_scheme(name), None, "{name}");
        }
    }
}
