//! What is wrong with a field of a form, said beside it.

use super::input::Input;
use super::texts::Texts;
use crate::http::Refused;
use crate::http::refused::{LAST_PASSKEY, NO_NEW_TOTP_SECRET, PASSKEY_TAKEN, TOO_MANY_PASSKEYS};

/// What is wrong with a field.
#[derive(Debug)]
pub(crate) struct FieldProblem {
    field: &'static str,
    /// For people.
    pub(super) text: String,
}

impl FieldProblem {
    /// What is wrong with a field if that is why a form is refused.
    pub(crate) fn of(refused: &Refused, texts: &Texts) -> Option<Self> {
        let (field, text) = match refused {
            Refused::Credentials => ("password", texts.wrong_credentials.to_owned()),
            Refused::Code | Refused::SecondFactorWrong | Refused::WrongCode => {
                ("code", texts.wrong_code.to_owned())
            }
            // Of no field.
            Refused::Passkey | Refused::PasskeySignIn { .. } => {
                ("", texts.passkey_refused.to_owned())
            }
            Refused::Conflict(PASSKEY_TAKEN) => ("", texts.passkey_is_taken.to_owned()),
            Refused::Conflict(TOO_MANY_PASSKEYS) => ("", texts.passkeys_too_many.to_owned()),
            Refused::Conflict(LAST_PASSKEY) => ("", texts.passkey_is_last.to_owned()),
            Refused::Conflict(NO_NEW_TOTP_SECRET) => ("", texts.ticket_is_over.to_owned()),
            Refused::WrongPassword => ("password", texts.wrong_password.to_owned()),
            Refused::PasswordRequired => ("password", texts.missing.to_owned()),
            Refused::Missing(names) => {
                let first = names.split(", ").next()?;
                (first, texts.missing.to_owned())
            }
            Refused::Rule(broken) if broken.field == "email" => {
                let is_same = broken.rule == "must be another than the account's";
                let text = if is_same {
                    texts.address_is_same
                } else {
                    texts.address_form
                };
                ("email", text.to_owned())
            }
            Refused::Rule(broken) => (broken.field, rule(&broken.rule, texts)),
            _ => return None,
        };
        Some(Self { field, text })
    }

    /// The same of a form whose field has another name.
    pub(crate) fn at(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// Of a field whose value somebody else has.
    pub(crate) fn address_is_taken(texts: &Texts) -> Self {
        Self {
            field: "email",
            text: texts.address_is_taken.to_owned(),
        }
    }

    /// Of no field: a passkey that is not the second factor that is asked for.
    pub(crate) fn passkey_is_wrong(texts: &Texts) -> Self {
        Self {
            field: "",
            text: texts.passkey_refused.to_owned(),
        }
    }

    /// Of no field: a sign-in that has to begin anew.
    pub(crate) fn ticket_is_over(texts: &Texts) -> Self {
        Self {
            field: "",
            text: texts.ticket_is_over.to_owned(),
        }
    }

    /// Marks the field that is meant; false where it is not among `inputs`.
    pub(super) fn mark<'a>(&'a self, inputs: &mut [Input<'a>]) -> bool {
        let input = inputs.iter_mut().find(|input| self.is_of(input.name));
        let is_there = input.is_some();
        if let Some(input) = input {
            input.error = Some(&self.text);
        }
        is_there
    }

    /// Whether the field of that name is meant. The rules call every password that an account is to have `password`.
    pub(super) fn is_of(&self, name: &str) -> bool {
        self.field == name || (self.field == "password" && name == "new_password")
    }
}

/// The rule that a value breaks, for people.
fn rule(rule: &str, texts: &Texts) -> String {
    let text = match rule {
        "must be at most 1024 bytes long" => texts.password_too_long,
        "must not be the email address or the part before its @"
        | "must not be the username"
        | "must not be the name" => texts.password_is_known,
        "must not be one of the most common passwords" => texts.password_is_common,
        "must not be known from a breach" => texts.password_is_breached,
        "must be 1 to 200 characters long" => texts.name_length,
        "must not contain NUL characters" | "must not contain control or format characters" => {
            texts.characters
        }
        _ => {
            let count = rule
                .strip_prefix("must be at least ")
                .and_then(|rest| rest.strip_suffix(" characters long"));
            return match count {
                Some(count) => texts.password_too_short.replace("{count}", count),
                None => texts.value_refused.to_owned(),
            };
        }
    };
    text.to_owned()
}
