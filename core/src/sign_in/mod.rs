//! Signing in, as a flow with states: first factor, second factor where the account has one on, signed in
//! (docs/api.md, "Second factors").
//!
//! Only [`SignedIn`] is made into tokens and sessions. A new way in begins with a [`FirstFactor`], whose
//! only exit is [`FirstFactor::next`], so it cannot leave the second one out.

mod ticket;

pub use ticket::{Ticket, TicketDigest};

use crate::account::UserId;
use crate::proof::{Amr, Method, Proof};
use crate::time::UnixSeconds;

/// What an account has beside its first factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactors {
    /// Whether one-time passwords are on.
    pub totp: bool,
    /// Whether it has a passkey that a sign-in by another factor asks for.
    pub asks_for_passkey: bool,
    /// Whether it has a passkey at all, which will do as a second factor.
    pub passkeys: bool,
    /// Whether recovery codes are left.
    pub recovery_codes: bool,
}

impl SecondFactors {
    /// Whether the account is signed in by two of its factors.
    #[must_use]
    pub fn are_on(self) -> bool {
        self.totp || self.asks_for_passkey
    }

    /// Their names on the wire.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        [
            (self.totp, "totp"),
            (self.passkeys, "passkey"),
            (self.recovery_codes, "recovery_code"),
        ]
        .into_iter()
        .filter_map(|(is_there, name)| is_there.then_some(name))
        .collect()
    }
}

/// Somebody has shown the first factor of an account.
#[derive(Debug, Clone, Copy)]
pub struct FirstFactor {
    /// The account.
    pub user_id: UserId,
    /// The account's epoch when that was checked.
    pub epoch: u64,
    /// By what.
    pub method: Method,
    /// What else the account has, as the database said with the rest.
    pub second_factors: SecondFactors,
}

/// What comes after the first factor.
#[derive(Debug)]
pub enum Next {
    /// That was all.
    SignedIn(SignedIn),
    /// One more factor.
    SecondFactor(HalfSignedIn),
}

impl FirstFactor {
    /// What comes next at `now`.
    #[must_use]
    pub fn next(self, now: UnixSeconds) -> Next {
        if self.second_factors.are_on() && !self.method.is_two_factors() {
            return Next::SecondFactor(HalfSignedIn {
                user_id: self.user_id,
                epoch: self.epoch,
                method: self.method,
            });
        }
        Next::SignedIn(SignedIn {
            user_id: self.user_id,
            epoch: self.epoch,
            proof: Proof {
                auth_time: now,
                amr: Amr::of(self.method, None),
            },
        })
    }
}

/// Somebody has shown one factor of an account that asks for two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HalfSignedIn {
    user_id: UserId,
    epoch: u64,
    method: Method,
}

impl HalfSignedIn {
    /// As a ticket says it, which was written for one.
    #[must_use]
    pub fn stored(user_id: UserId, epoch: u64, method: Method) -> Self {
        Self {
            user_id,
            epoch,
            method,
        }
    }

    /// The account.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The account's epoch at the first factor.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The first factor.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The end of the flow: the database has accepted that second factor, and used the ticket up.
    #[must_use]
    pub fn completed(self, second: Method, now: UnixSeconds) -> SignedIn {
        SignedIn {
            user_id: self.user_id,
            epoch: self.epoch,
            proof: Proof {
                auth_time: now,
                amr: Amr::of(self.method, Some(second)),
            },
        }
    }
}

/// Somebody is signed in: the only thing that tokens and sessions are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    user_id: UserId,
    epoch: u64,
    proof: Proof,
}

impl SignedIn {
    /// Whoever has just made the account, by a password, and so with no second factor on.
    #[must_use]
    pub fn registered(proof: Proof, user_id: UserId, epoch: u64) -> Self {
        Self {
            user_id,
            epoch,
            proof,
        }
    }

    /// A session goes on that was opened for one.
    #[must_use]
    pub fn resumed(user_id: UserId, epoch: u64, proof: Proof) -> Self {
        Self {
            user_id,
            epoch,
            proof,
        }
    }

    /// The account.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The account's epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When and by what it was shown who it is.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: SecondFactors = SecondFactors {
        totp: false,
        asks_for_passkey: false,
        passkeys: false,
        recovery_codes: false,
    };

    fn shown(method: Method, second_factors: SecondFactors) -> Next {
        let first = FirstFactor {
            user_id: UserId::new(7).unwrap(),
            epoch: 3,
            method,
            second_factors,
        };
        first.next(UnixSeconds(1000))
    }

    fn passkey(user_verified: bool) -> Method {
        Method::Passkey {
            is_synced: true,
            user_verified,
        }
    }

    #[test]
    fn one_factor_will_do_where_none_other_is_on() {
        // Recovery codes, and passkeys that nobody asks for, switch nothing on.
        let idle = SecondFactors {
            passkeys: true,
            recovery_codes: true,
            ..NONE
        };
        for second_factors in [NONE, idle] {
            for method in [
                Method::Password,
                Method::Mail,
                passkey(false),
                passkey(true),
            ] {
                let Next::SignedIn(signed_in) = shown(method, second_factors) else {
                    panic!("{method:?}");
                };
                let proof = signed_in.proof();
                assert_eq!(proof.auth_time, UnixSeconds(1000));
                assert_eq!(proof.amr, Amr::of(method, None));
            }
        }
    }

    #[test]
    fn every_factor_needs_a_second_one_but_a_passkey_that_is_two() {
        for on in [
            SecondFactors { totp: true, ..NONE },
            SecondFactors {
                asks_for_passkey: true,
                ..NONE
            },
        ] {
            for method in [Method::Password, Method::Mail, passkey(false)] {
                let Next::SecondFactor(half) = shown(method, on) else {
                    panic!("{method:?}");
                };
                let signed_in = half.completed(Method::OneTimePassword, UnixSeconds(1010));
                assert_eq!((signed_in.user_id().get(), signed_in.epoch()), (7, 3));
                assert_eq!(signed_in.proof().auth_time, UnixSeconds(1010));
                assert!(signed_in.proof().amr.is_of_two_factors());
            }
            assert!(matches!(shown(passkey(true), on), Next::SignedIn(_)));
        }
    }

    #[test]
    fn second_factors_are_named() {
        let all = SecondFactors {
            totp: true,
            asks_for_passkey: false,
            passkeys: true,
            recovery_codes: true,
        };
        assert_eq!(all.names(), ["totp", "passkey", "recovery_code"]);
        assert_eq!(NONE.names(), Vec::<&str>::new());
    }
}
