//! The kinds of mail, and what each says.

// The build script reads this file too.

/// A kind of mail. Each is one file of a language's texts, of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Proves the address of a registration, by a link.
    Verification,
    /// Proves the address of an account whose owner asks for it, by a link or a code.
    VerificationCode,
    /// Sets a new password, by a link or a code.
    Reset,
    /// Signs in, by a link or a code.
    SignIn,
    /// Proves a new address, which it goes to, by a link or a code.
    EmailChange,
    /// Tells a new address that it has an account already.
    EmailTaken,
    /// Tells the old address of a change, with a link that takes it back.
    EmailChanged,
    /// Invites to an account that somebody else has made, by a link.
    Invitation,
    /// A password was changed or set.
    PasswordChanged,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The signature counter of a passkey did not grow.
    PasskeyCounter,
    /// A second factor was switched on.
    SecondFactorOn,
    /// A second factor was switched off.
    SecondFactorOff,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// Somebody signed in from an address that is not familiar.
    UnfamiliarSignIn,
    /// A session ended, since one of its refresh tokens was used again.
    SessionEnded,
}

/// What stands for a value in a text, as `{name}`.
///
/// Nothing that somebody else has chosen is among them: not the account's name, nor its address, part of
/// which a stranger may have made up, since mail programs turn `www.example.com` into a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// The host of `PUBLIC_URL`.
    Site,
    /// The link.
    Link,
    /// The code, six digits.
    Code,
    /// For how many minutes link and code are good.
    Minutes,
    /// The same in hours.
    Hours,
    /// The same in days.
    Days,
    /// When it happened or was asked for, in UTC.
    When,
    /// From which browser.
    Browser,
    /// How many recovery codes are left.
    Left,
}

use Placeholder::{Browser, Code, Days, Hours, Left, Link, Minutes, Site, When};

impl Kind {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Verification,
        Self::VerificationCode,
        Self::Reset,
        Self::SignIn,
        Self::EmailChange,
        Self::EmailTaken,
        Self::EmailChanged,
        Self::Invitation,
        Self::PasswordChanged,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::PasskeyCounter,
        Self::SecondFactorOn,
        Self::SecondFactorOff,
        Self::RecoveryCodeUsed,
        Self::UnfamiliarSignIn,
        Self::SessionEnded,
    ];

    /// Its name: in the database, in a webhook's body, and that of its files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::VerificationCode => "verification_code",
            Self::Reset => "reset",
            Self::SignIn => "sign_in",
            Self::EmailChange => "email_change",
            Self::EmailTaken => "email_taken",
            Self::EmailChanged => "email_changed",
            Self::Invitation => "invitation",
            Self::PasswordChanged => "password_changed",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeyCounter => "passkey_counter",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::UnfamiliarSignIn => "unfamiliar_sign_in",
            Self::SessionEnded => "session_ended",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What its text has to say, all of it, and nothing else.
    #[must_use]
    pub fn placeholders(self) -> &'static [Placeholder] {
        match self {
            Self::Verification => &[Site, When, Browser, Link, Hours],
            Self::Reset | Self::SignIn => &[Site, When, Browser, Link, Code, Minutes],
            Self::VerificationCode | Self::EmailChange => &[Site, When, Browser, Link, Code, Hours],
            Self::EmailChanged => &[Site, When, Browser, Link, Days],
            Self::Invitation => &[Site, Link, Days],
            Self::RecoveryCodeUsed => &[Site, When, Browser, Left],
            Self::EmailTaken
            | Self::PasswordChanged
            | Self::PasskeyAdded
            | Self::PasskeyRemoved
            | Self::PasskeyCounter
            | Self::SecondFactorOn
            | Self::SecondFactorOff
            | Self::UnfamiliarSignIn
            | Self::SessionEnded => &[Site, When, Browser],
        }
    }
}

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 9] = [Site, Link, Code, Minutes, Hours, Days, When, Browser, Left];

    /// What a text calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Site => "site",
            Link => "link",
            Code => "code",
            Minutes => "minutes",
            Hours => "hours",
            Days => "days",
            When => "when",
            Browser => "browser",
            Left => "left",
        }
    }

    /// The placeholder of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.name() == name)
    }
}
