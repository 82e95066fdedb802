//! The form that asks a browser for a passkey. `templates/script.js` fills it in; without script it is not shown.

use super::input::Input;

/// What a browser is asked for.
#[derive(Debug)]
pub(super) enum Ceremony<'a> {
    /// One that it has.
    Get,
    /// A new one.
    Create(Creation<'a>),
}

/// What a new passkey is told beside.
#[derive(Debug)]
pub(super) struct Creation<'a> {
    /// Its name.
    pub(super) inputs: Vec<Input<'a>>,
    /// Whether the box for a second factor is ticked at first.
    pub(super) second_factor: bool,
}

impl<'a> Ceremony<'a> {
    /// Its name, which is that of the function that asks (Web Authentication, section 5.1).
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Create(_) => "create",
        }
    }

    /// What a new passkey is told.
    pub(super) fn creation(&self) -> Option<&Creation<'a>> {
        match self {
            Self::Get => None,
            Self::Create(creation) => Some(creation),
        }
    }
}

/// The form.
#[derive(Debug)]
pub(super) struct PasskeyForm<'a> {
    /// Where it is sent.
    pub(super) action: &'a str,
    /// What a browser is asked for.
    pub(super) ceremony: Ceremony<'a>,
    /// The standard's own options, as JSON.
    pub(super) options: &'a str,
    /// Where the page is loaded again once its challenge is old; none where nothing on it lives longer.
    pub(super) again: Option<&'a str>,
    /// Whether browsers offer passkeys in the field for the name as well.
    pub(super) is_offered: bool,
    /// Whether there is nothing else to do on the page, so that it says what is needed.
    pub(super) is_only_way: bool,
    /// What is sent with it and not shown.
    pub(super) hidden: &'a [(&'a str, &'a str)],
    /// The words of its button.
    pub(super) button: &'a str,
}
