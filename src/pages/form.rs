//! Pages that are one form: signing in, a code, a second factor, a new account, a new passkey.

#[cfg(test)]
mod tests;

use askama::Template;

use super::field_problem::FieldProblem;
use super::input::Input;
use super::passkey::{Ceremony, Creation, PasskeyForm};
use super::problem::notice;
use super::{Layout, PLAIN, SCRIPTED, reply, reply_allowing};
use crate::http::Reply;

/// What every one of these pages has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    /// What every page has.
    pub(crate) layout: Layout<'a>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What is sent with the form and not shown.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    /// What was wrong with the form when it was sent.
    pub(crate) problem: Option<&'a FieldProblem>,
}

/// What the page to sign in on offers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignIn<'a> {
    /// What is in the field for the name at first.
    pub(crate) username: &'a str,
    /// Whether it is somebody who is signed in and shows it again.
    pub(crate) is_again: bool,
    /// Whether a code can be sent by mail.
    pub(crate) sends_mail: bool,
    /// Where an account is made, if anybody may.
    pub(crate) sign_up: Option<&'a str>,
    /// The options by which a browser is asked for a passkey, where there are passkeys.
    pub(crate) passkey: Option<&'a str>,
    /// The path and query of the page itself.
    pub(crate) path: &'a str,
}

/// What a second factor may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecondFactor<'a> {
    /// Whether a code may be typed.
    pub(crate) by_code: bool,
    /// The options by which a browser is asked for one of the account's passkeys, if it has any.
    pub(crate) passkey: Option<&'a str>,
}

/// A passkey that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddPasskey<'a> {
    /// The options by which a browser makes it.
    pub(crate) options: &'a str,
    /// The path of the page itself.
    pub(crate) path: &'a str,
    /// What is in the field for its name at first.
    pub(crate) name: &'a str,
    /// Whether it is to be a second factor.
    pub(crate) second_factor: bool,
}

/// What was filled in on the page that makes an account; not the password.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignUp<'a> {
    /// The name that the person goes by.
    pub(crate) name: &'a str,
    /// The address.
    pub(crate) email: &'a str,
    /// The fewest characters of the password.
    pub(crate) password_min_length: u32,
    /// Where one signs in instead.
    pub(crate) sign_in: &'a str,
}

/// Where a code was sent that is to be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeFor {
    /// To an address that was typed, whether or not an account has it.
    SignIn,
    /// To the address that an account is to have.
    NewAddress,
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage<'a> {
    layout: Layout<'a>,
    title: &'a str,
    text: Option<&'a str>,
    action: &'a str,
    hidden: &'a [(&'a str, &'a str)],
    /// Without any there is no such form.
    inputs: Vec<Input<'a>>,
    button: &'a str,
    /// A second button: where it sends the form, and its words.
    other_button: Option<(&'a str, &'a str)>,
    /// A second form.
    passkey: Option<PasskeyForm<'a>>,
    link: Option<(&'a str, &'a str)>,
    problem: Option<&'a FieldProblem>,
    general_problem: Option<&'a str>,
}

impl<'a> FormPage<'a> {
    fn new(
        around: &Around<'a>,
        title: &'a str,
        action: &'a str,
        mut inputs: Vec<Input<'a>>,
    ) -> Self {
        let problem = around.problem;
        let general_problem = problem.filter(|problem| !problem.mark(&mut inputs));
        Self {
            layout: around.layout,
            title,
            text: None,
            action,
            hidden: around.hidden,
            inputs,
            button: around.layout.texts.continue_button,
            other_button: None,
            passkey: None,
            link: None,
            problem,
            general_problem: general_problem.map(|problem| &*problem.text),
        }
    }

    fn reply(&self, status: u16) -> Reply {
        let allowed = if self.passkey.is_some() {
            &SCRIPTED
        } else {
            &PLAIN
        };
        reply_allowing(status, self, allowed)
    }
}

/// The page to sign in on.
pub(crate) fn sign_in(around: &Around<'_>, sign_in: &SignIn<'_>) -> Reply {
    let texts = around.layout.texts;
    let title = if sign_in.is_again {
        texts.signing_in_again_title
    } else {
        texts.signing_in_title
    };
    let passkey = sign_in.passkey.map(|options| PasskeyForm {
        action: "/sign-in/passkey",
        ceremony: Ceremony::Get,
        options,
        again: Some(sign_in.path),
        is_offered: true,
        is_only_way: false,
        hidden: around.hidden,
        button: texts.passkey_sign_in_button,
    });
    let mut username = Input::username(texts.name_or_address, sign_in.username);
    if passkey.is_some() {
        username = username.or_passkey();
    }
    let inputs = vec![username, Input::current_password(texts.password)];
    let other_button = ("/sign-in/code", texts.mail_code_button);
    let page = FormPage {
        passkey,
        text: sign_in.is_again.then_some(texts.signing_in_again_text),
        button: texts.signing_in_button,
        other_button: sign_in.sends_mail.then_some(other_button),
        link: sign_in.sign_up.map(|path| (path, texts.sign_up_link)),
        ..FormPage::new(around, title, "/sign-in", inputs)
    };
    page.reply(around.status)
}

/// The page for a code that was sent by mail.
pub(crate) fn code(around: &Around<'_>, code_for: CodeFor) -> Reply {
    let texts = around.layout.texts;
    let (text, action) = match code_for {
        CodeFor::SignIn => (texts.mail_code_text, "/sign-in/code/verify"),
        CodeFor::NewAddress => (
            texts.mail_code_of_new_address,
            "/account/security/address/confirm",
        ),
    };
    let inputs = vec![Input::code(texts.code).numeric()];
    let page = FormPage {
        text: Some(text),
        ..FormPage::new(around, texts.mail_code_title, action, inputs)
    };
    reply(around.status, &page)
}

/// The page for the second factor of a sign-in.
pub(crate) fn second_factor(around: &Around<'_>, factor: &SecondFactor<'_>) -> Reply {
    let texts = around.layout.texts;
    let (title, action) = (texts.second_factor_title, "/sign-in/second-factor");
    let passkey = factor.passkey.map(|options| PasskeyForm {
        action,
        ceremony: Ceremony::Get,
        options,
        // The ticket is no younger than the challenge and lives as long.
        again: None,
        is_offered: false,
        is_only_way: !factor.by_code,
        hidden: around.hidden,
        button: texts.second_factor_by_passkey_button,
    });
    // Recovery codes have letters.
    let (text, inputs) = if factor.by_code {
        (texts.second_factor_text, vec![Input::code(texts.code)])
    } else {
        (texts.second_factor_by_passkey_text, Vec::new())
    };
    let page = FormPage {
        text: Some(text),
        passkey,
        ..FormPage::new(around, title, action, inputs)
    };
    page.reply(around.status)
}

/// The page after a wrong first code of an authenticator app. The app has the secret, which is shown once.
pub(crate) fn totp_code(around: &Around<'_>) -> Reply {
    let texts = around.layout.texts;
    let inputs = vec![Input::code(texts.totp_code).numeric()];
    let action = "/account/security/totp/verify";
    let page = FormPage {
        text: Some(texts.totp_once_more_text),
        button: texts.totp_code_button,
        other_button: Some(("/account/security/totp", texts.totp_begin_again_button)),
        link: Some(("/account/security", texts.security_link)),
        ..FormPage::new(around, texts.totp_title, action, inputs)
    };
    reply(around.status, &page)
}

/// The page on which a passkey is made.
pub(crate) fn add_passkey(around: &Around<'_>, add: &AddPasskey<'_>) -> Reply {
    let texts = around.layout.texts;
    let mut inputs = vec![Input {
        autocomplete: "off",
        ..Input::name(texts.passkey_name, add.name)
    }];
    let general_problem = around.problem.filter(|problem| !problem.mark(&mut inputs));
    let passkey = PasskeyForm {
        action: "/account/security/passkey",
        ceremony: Ceremony::Create(Creation {
            inputs,
            second_factor: add.second_factor,
        }),
        options: add.options,
        again: Some(add.path),
        is_offered: false,
        is_only_way: true,
        hidden: around.hidden,
        button: texts.passkey_add_button,
    };
    let page = FormPage {
        text: Some(texts.passkey_add_text),
        passkey: Some(passkey),
        link: Some(("/account/security", texts.security_link)),
        general_problem: general_problem.map(|problem| &*problem.text),
        ..FormPage::new(around, texts.passkey_add_title, "", Vec::new())
    };
    page.reply(around.status)
}

/// The page that makes an account.
pub(crate) fn sign_up(around: &Around<'_>, sign_up: &SignUp<'_>) -> Reply {
    let texts = around.layout.texts;
    let count = sign_up.password_min_length.to_string();
    let hint = texts.new_password_hint.replace("{count}", &count);
    let inputs = vec![
        Input::name(texts.name, sign_up.name),
        Input::email(texts.address, sign_up.email),
        Input::new_password(texts.password, &hint),
    ];
    let page = FormPage {
        button: texts.sign_up_button,
        link: Some((sign_up.sign_in, texts.signing_in_link)),
        ..FormPage::new(around, texts.sign_up_title, "/sign-up", inputs)
    };
    reply(around.status, &page)
}

/// The page that says that an account was made, whose address has to be proven.
pub(crate) fn signed_up(layout: Layout<'_>) -> Reply {
    let texts = layout.texts;
    notice(layout, 200, texts.done_title, texts.sign_up_done)
}
