//! A field of a form, with what a browser, a password manager and a screen reader need to know of it.

/// A field with its label.
#[derive(Debug)]
pub(super) struct Input<'a> {
    /// What it is sent as.
    pub(super) name: &'static str,
    pub(super) label: &'a str,
    /// `text`, `email` or `password`.
    pub(super) kind: &'static str,
    /// What a browser or a password manager may put in (HTML Standard, section 4.10.18.7).
    pub(super) autocomplete: &'static str,
    /// Which keys a screen shows (HTML Standard, section 6.9.5), if not those of its kind.
    pub(super) mode: Option<&'static str>,
    /// What is in it at first; nothing in that of a password.
    pub(super) value: &'a str,
    /// Whether it has to be filled in.
    pub(super) required: bool,
    /// What is good to know before.
    pub(super) hint: Option<&'a str>,
    /// What is wrong with what was typed.
    pub(super) error: Option<&'a str>,
}

impl<'a> Input<'a> {
    /// The password that the account has.
    pub(super) fn current_password(label: &'a str) -> Self {
        Self {
            name: "password",
            label,
            kind: "password",
            autocomplete: "current-password",
            mode: None,
            value: "",
            required: true,
            hint: None,
            error: None,
        }
    }

    /// A password that the account is to have.
    pub(super) fn new_password(label: &'a str, hint: &'a str) -> Self {
        Self {
            name: "new_password",
            label,
            autocomplete: "new-password",
            hint: Some(hint),
            ..Self::current_password(label)
        }
    }

    /// The name that an account signs in by: an address or a username.
    pub(super) fn username(label: &'a str, value: &'a str) -> Self {
        Self {
            name: "username",
            label,
            kind: "text",
            autocomplete: "username",
            value,
            ..Self::current_password(label)
        }
    }

    /// The same, in which browsers offer passkeys as well (Web Authentication, section 5.1.8).
    pub(super) fn or_passkey(self) -> Self {
        Self {
            autocomplete: "username webauthn",
            ..self
        }
    }

    /// An address by which an account will sign in.
    pub(super) fn email(label: &'a str, value: &'a str) -> Self {
        Self {
            name: "email",
            label,
            kind: "email",
            autocomplete: "email",
            value,
            ..Self::current_password(label)
        }
    }

    /// A code that somebody was sent, or that an app or a piece of paper shows.
    pub(super) fn code(label: &'a str) -> Self {
        Self {
            name: "code",
            label,
            kind: "text",
            autocomplete: "one-time-code",
            ..Self::current_password(label)
        }
    }

    /// The same of digits alone.
    pub(super) fn numeric(self) -> Self {
        Self {
            mode: Some("numeric"),
            ..self
        }
    }

    /// The name that a person goes by.
    pub(super) fn name(label: &'a str, value: &'a str) -> Self {
        Self {
            name: "name",
            label,
            kind: "text",
            autocomplete: "name",
            value,
            ..Self::current_password(label)
        }
    }

    /// The same, which may be left empty.
    pub(super) fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    /// The ids of what describes it.
    pub(super) fn described_by(&self) -> Option<String> {
        let error = self.error.map(|_| format!("{}-error", self.name));
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        match (error, hint) {
            (Some(error), Some(hint)) => Some(format!("{error} {hint}")),
            (error, hint) => error.or(hint),
        }
    }
}
