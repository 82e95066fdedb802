//! When and by what somebody last showed who they are: the claims `auth_time` (OpenID Connect Core
//! section 2) and `amr` (RFC 8176) of access tokens.

use std::fmt;

use crate::time::{Seconds, UnixSeconds};

/// A way of showing who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A password.
    Password,
    /// A code or a link that was sent by mail. RFC 8176 registers no value for it.
    Mail,
    /// A one-time password (RFC 6238).
    OneTimePassword,
    /// A recovery code, which has no value of its own.
    RecoveryCode,
    /// A passkey.
    Passkey {
        /// Whether its private key is on more than one device.
        is_synced: bool,
        /// Whether its device asked who uses it, now and when it was registered: then it is two factors.
        user_verified: bool,
    },
}

/// The value of more than one factor (RFC 8176 section 2).
const MULTIPLE_FACTORS: &str = "mfa";

/// All values, in the order in which they are stored.
const VALUES: [&str; 7] = ["pwd", "mail", "otp", "hwk", "swk", "user", MULTIPLE_FACTORS];

impl Method {
    /// Its values in `amr`.
    fn values(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::Mail => &["mail"],
            Self::OneTimePassword => &["otp"],
            Self::RecoveryCode => &[],
            Self::Passkey {
                is_synced,
                user_verified,
            } => match (is_synced, user_verified) {
                (false, false) => &["hwk"],
                (true, false) => &["swk"],
                (false, true) => &["hwk", "user"],
                (true, true) => &["swk", "user"],
            },
        }
    }

    /// Whether it is two factors in one.
    #[must_use]
    pub fn is_two_factors(self) -> bool {
        matches!(
            self,
            Self::Passkey {
                user_verified: true,
                ..
            }
        )
    }

    /// The name by which a first factor is stored.
    #[must_use]
    pub fn name(self) -> String {
        self.values().join(" ")
    }

    /// The first factor of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let passkey = |is_synced, user_verified| Self::Passkey {
            is_synced,
            user_verified,
        };
        [
            Self::Password,
            Self::Mail,
            passkey(false, false),
            passkey(true, false),
            passkey(false, true),
            passkey(true, true),
        ]
        .into_iter()
        .find(|method| method.name() == name)
    }
}

/// The values of `amr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amr(String);

impl Amr {
    /// The first factor, and the second one where there was one.
    #[must_use]
    pub fn of(first: Method, second: Option<Method>) -> Self {
        let values = first.values().iter();
        let mut values: Vec<_> = values
            .chain(second.map_or(&[][..], Method::values))
            .collect();
        if second.is_some() || first.is_two_factors() {
            values.push(&MULTIPLE_FACTORS);
        }
        Self::ordered(|value| values.iter().any(|given| **given == value))
    }

    /// What [`Amr::as_str`] gave.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The known ones of a claim's values. A token without the claim was issued for a password alone, or
    /// by an old service.
    #[must_use]
    pub fn claimed(values: &[&str]) -> Self {
        Self::ordered(|value| values.contains(&value))
    }

    /// These and a one-time password as one more factor.
    #[must_use]
    pub fn and_one_time_password(&self) -> Self {
        Self::ordered(|value| self.has(value) || ["otp", MULTIPLE_FACTORS].contains(&value))
    }

    fn ordered(is_there: impl Fn(&str) -> bool) -> Self {
        let values: Vec<_> = VALUES.into_iter().filter(|value| is_there(value)).collect();
        Self(values.join(" "))
    }

    /// Their values with spaces between, as they are stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `value` is among them.
    #[must_use]
    pub fn has(&self, value: &str) -> bool {
        self.0.split(' ').any(|own| own == value)
    }

    /// Whether two factors were shown.
    #[must_use]
    pub fn is_of_two_factors(&self) -> bool {
        self.has(MULTIPLE_FACTORS)
    }

    /// The claim `amr`: absent where a password alone was used, as in the old services' tokens.
    #[must_use]
    pub fn claim(&self) -> Option<Vec<&str>> {
        let is_password = self.0 == "pwd";
        (!is_password).then(|| self.0.split(' ').collect())
    }
}

impl fmt::Display for Amr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The last proof of who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// When.
    pub auth_time: UnixSeconds,
    /// By what.
    pub amr: Amr,
}

/// How long a proof is recent (docs/api.md, "Recent sign-in").
const RECENT: Seconds = Seconds(600);

/// How far ahead of this clock one may lie.
const LEEWAY: Seconds = Seconds(10);

/// Whether `auth_time`, the claim of a token, if it is there and a whole number, is recent at `now`.
#[must_use]
pub fn is_recent(auth_time: Option<UnixSeconds>, now: UnixSeconds) -> bool {
    is_within(RECENT, auth_time, now)
}

/// What is asked of the last proof beside a good token (docs/api.md, "Step-up"): nothing, by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requirement {
    two_factors: bool,
    max_age: Option<Seconds>,
}

impl Requirement {
    /// The same and `value` in `amr`, or nothing where nobody can be asked for it: only two factors are asked
    /// for, since by which ones is up to who signs in.
    #[must_use]
    pub fn and_amr(self, value: &str) -> Option<Self> {
        (value == MULTIPLE_FACTORS).then_some(Self {
            two_factors: true,
            ..self
        })
    }

    /// The same and a proof of at most that age, or nothing where the age is zero.
    #[must_use]
    pub fn and_max_age(self, max_age: Seconds) -> Option<Self> {
        (max_age > Seconds(0)).then_some(Self {
            max_age: Some(self.max_age.map_or(max_age, |other| other.min(max_age))),
            ..self
        })
    }

    /// The highest age that meets it, if it asks for one.
    #[must_use]
    pub fn max_age(self) -> Option<Seconds> {
        self.max_age
    }

    /// Whether a token of these claims meets it at `now`.
    #[must_use]
    pub fn is_met(self, amr: &Amr, auth_time: Option<UnixSeconds>, now: UnixSeconds) -> bool {
        let is_young = |max_age| is_within(max_age, auth_time, now);
        (!self.two_factors || amr.is_of_two_factors()) && self.max_age.is_none_or(is_young)
    }
}

fn is_within(max_age: Seconds, auth_time: Option<UnixSeconds>, now: UnixSeconds) -> bool {
    auth_time.is_some_and(|time| time <= now.plus(LEEWAY) && now <= time.plus(max_age))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSKEY: Method = Method::Passkey {
        is_synced: false,
        user_verified: false,
    };
    const VERIFIED_PASSKEY: Method = Method::Passkey {
        is_synced: true,
        user_verified: true,
    };

    #[test]
    fn a_password_alone_has_no_claim() {
        assert_eq!(Amr::of(Method::Password, None).claim(), None);
        assert_eq!(Amr::of(Method::Mail, None).claim(), Some(vec!["mail"]));
        let with_recovery_code = Amr::of(Method::Password, Some(Method::RecoveryCode));
        assert_eq!(with_recovery_code.claim(), Some(vec!["pwd", "mfa"]));
    }

    #[test]
    fn two_factors_are_told_from_one() {
        for (first, second, amr) in [
            (Method::Password, None, "pwd"),
            (
                Method::Password,
                Some(Method::OneTimePassword),
                "pwd otp mfa",
            ),
            (Method::Mail, Some(PASSKEY), "mail hwk mfa"),
            (Method::Mail, Some(VERIFIED_PASSKEY), "mail swk user mfa"),
            (PASSKEY, None, "hwk"),
            (PASSKEY, Some(Method::OneTimePassword), "otp hwk mfa"),
            (PASSKEY, Some(Method::RecoveryCode), "hwk mfa"),
            (VERIFIED_PASSKEY, None, "swk user mfa"),
        ] {
            let made = Amr::of(first, second);
            assert_eq!(made.as_str(), amr);
            assert_eq!(made.is_of_two_factors(), amr.ends_with("mfa"));
            assert_eq!(Method::parse(&first.name()), Some(first));
        }
        for other in ["", "otp", "pwd otp", "PWD", "user"] {
            assert_eq!(Method::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_claim_is_read_as_far_as_it_is_known() {
        assert_eq!(Amr::claimed(&["mfa", "pwd", "face"]).as_str(), "pwd mfa");
        assert_eq!(Amr::claimed(&[]).as_str(), "");
        assert!(!Amr::claimed(&["mf", "a", "mfa "]).is_of_two_factors());
        let session = Amr::of(Method::Password, None);
        assert_eq!(session.and_one_time_password().as_str(), "pwd otp mfa");
    }

    #[test]
    fn a_proof_is_recent_for_ten_minutes() {
        for (auth_time, recent) in [
            (Some(1000), true),
            (Some(400), true),
            (Some(399), false),
            (Some(1010), true),
            (Some(1011), false),
            (Some(0), false),
            (Some(u64::MAX), false),
            (None, false),
        ] {
            let auth_time = auth_time.map(UnixSeconds);
            assert_eq!(
                is_recent(auth_time, UnixSeconds(1000)),
                recent,
                "{auth_time:?}"
            );
        }
    }

    #[test]
    fn a_requirement_is_met_by_all_that_it_asks_for() {
        let (one, two) = (Amr::claimed(&["pwd", "otp"]), Amr::claimed(&["pwd", "mfa"]));
        let nothing = Requirement::default();
        let two_factors = nothing.and_amr("mfa").unwrap();
        let young = nothing.and_max_age(Seconds(60)).unwrap();
        let both = young.and_amr("mfa").unwrap();
        let (now, at, too_old) = (UnixSeconds(1000), UnixSeconds(940), UnixSeconds(939));
        for (requirement, amr, auth_time, met) in [
            (nothing, &one, None, true),
            (two_factors, &one, Some(now), false),
            (two_factors, &two, None, true),
            (young, &one, Some(at), true),
            (young, &two, Some(too_old), false),
            (young, &two, None, false),
            (young, &one, Some(UnixSeconds(1010)), true),
            (young, &one, Some(UnixSeconds(1011)), false),
            (young, &one, Some(UnixSeconds(u64::MAX)), false),
            (both, &two, Some(at), true),
            (both, &one, Some(at), false),
            (both, &two, Some(too_old), false),
        ] {
            let case = format!("{requirement:?} {amr} {auth_time:?}");
            assert_eq!(requirement.is_met(amr, auth_time, now), met, "{case}");
        }
    }

    #[test]
    fn requirements_add_up() {
        let nothing = Requirement::default();
        for value in ["", "MFA", "mfa ", "otp", "pwd mfa"] {
            assert_eq!(nothing.and_amr(value), None, "{value}");
        }
        assert_eq!(nothing.and_max_age(Seconds(0)), None);
        assert_eq!(nothing.max_age(), None);
        for ages in [[60, 600], [600, 60], [60, 60]] {
            let [first, second] = ages.map(Seconds);
            let both = nothing.and_max_age(first).unwrap();
            let both = both.and_amr("mfa").unwrap().and_max_age(second).unwrap();
            let again = both.and_amr("mfa").unwrap();
            assert_eq!((again, again.max_age()), (both, Some(Seconds(60))));
        }
        let long = nothing.and_max_age(Seconds(u64::MAX)).unwrap();
        assert!(long.is_met(&Amr::claimed(&[]), Some(UnixSeconds(1)), UnixSeconds(1000)));
    }
}
