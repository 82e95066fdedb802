//! Writes SQL that inserts accounts under the ids they have: `make --silent users-sql < users.ndjson`.
//! Lines are those of an import, each with an `id`, and the rules are those of the service. `ROLES` and
//! `SIGN_IN_FLOOR_MS` are taken from the environment, where they are not the service's defaults.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use edge_auth_core::account::import::{self, ImportedAccount};
use edge_auth_core::account::{Email, Roles, Username};
use edge_auth_core::time::Milliseconds;
use edge_auth_core::unicode::Unicode;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Unicode by crates, in the place of a host.
const TABLES: Unicode = Unicode {
    nfc: |text| text.nfc().collect(),
    nfkc: |text| text.nfkc().collect(),
    to_lowercase: str::to_lowercase,
    to_uppercase: str::to_uppercase,
    has_format_characters: |text| {
        text.chars()
            .any(|c| c.general_category() == GeneralCategory::Format)
    },
};

/// What the service allows.
struct Service {
    roles: Roles,
    /// How much CPU a hash may take.
    budget: Milliseconds,
}

impl Service {
    fn from_environment() -> Result<Self, String> {
        let roles = match std::env::var("ROLES") {
            Err(_) => Roles::default(),
            Ok(text) => Roles::parse(&text).map_err(|error| format!("ROLES {error}"))?,
        };
        let floor: u32 = match std::env::var("SIGN_IN_FLOOR_MS") {
            Err(_) => 500,
            Ok(text) => text
                .parse()
                .map_err(|_| "SIGN_IN_FLOOR_MS must be a number of milliseconds")?,
        };
        Ok(Self {
            roles,
            budget: Milliseconds(u64::from(floor) / 5 * 4),
        })
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(refused) => {
            eprintln!("{refused} lines were refused. The SQL has the others.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the SQL of all lines that are good; says how many are not, and names them.
fn run() -> Result<usize, String> {
    let service = Service::from_environment()?;
    let mut body = Vec::new();
    let read = io::stdin().read_to_end(&mut body);
    read.map_err(|error| format!("The accounts cannot be read: {error}"))?;
    let mut out = io::stdout().lock();
    let mut refused = 0;
    for (number, line) in import::lines(&body) {
        match insert(line, &service) {
            Ok(sql) => writeln!(out, "{sql}")
                .map_err(|error| format!("The SQL cannot be written: {error}"))?,
            Err(problem) => {
                eprintln!("Line {number}: {problem}");
                refused += 1;
            }
        }
    }
    Ok(refused)
}

/// The INSERT of a line, or what is wrong with it.
fn insert(line: &[u8], service: &Service) -> Result<String, String> {
    let account = ImportedAccount::parse(line, &service.roles, service.budget, TABLES);
    let account = account.map_err(|refused| refused.to_string())?;
    let id = account.id.ok_or("id must be given")?;
    let username = account.username.as_ref();
    let values = [
        literal(account.email.as_ref().map(Email::as_str)),
        literal(username.map(Username::as_str)),
        literal(username.map(Username::folded)),
        literal(Some(account.name.as_str())),
        literal(Some(account.role.as_str())),
        literal(Some(&account.password_hash)),
        literal(Some(&account.digest())),
    ];
    let verified_at = if account.email_verified {
        "unixepoch() * 1000"
    } else {
        "NULL"
    };
    Ok(format!(
        "INSERT INTO users (id, email, username, username_folded, name, role, password_hash, \
         imported_hash_digest, email_verified_at) VALUES ({id}, {}, {verified_at});",
        values.join(", ")
    ))
}

/// An SQL string literal, or NULL.
fn literal(text: Option<&str>) -> String {
    text.map_or_else(
        || "NULL".to_owned(),
        |text| format!("'{}'", text.replace('\'', "''")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "pbkdf2:sha256:260000$salt$e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn of(members: &str) -> Result<String, String> {
        let service = Service {
            roles: Roles::default(),
            budget: Milliseconds(400),
        };
        let line = format!(r#"{{{members},"password_hash":"{HASH}"}}"#);
        insert(line.as_bytes(), &service)
    }

    #[test]
    fn accounts_keep_their_ids() {
        let columns = "INSERT INTO users (id, email, username, username_folded, name, role, \
                       password_hash, imported_hash_digest, email_verified_at) VALUES";
        for (members, values, verified_at) in [
            (
                r#""id":7,"email":" Ann@Example.com","name":"O'Hara; --""#,
                "7, 'ann@example.com', NULL, NULL, 'O''Hara; --', 'customer'",
                "unixepoch() * 1000",
            ),
            (
                r#""id":12,"email":null,"username":"Straße","role":"admin""#,
                "12, NULL, 'Straße', 'strasse', 'Straße', 'admin'",
                "NULL",
            ),
            (
                r#""id":13,"username":"Ａｎｎ","name":"Ann""#,
                "13, NULL, 'Ａｎｎ', 'ann', 'Ann', 'customer'",
                "NULL",
            ),
            (
                r#""id":14,"email":"bob@example.com","name":"Bob","email_verified":false"#,
                "14, 'bob@example.com', NULL, NULL, 'Bob', 'customer'",
                "NULL",
            ),
        ] {
            let sql = of(members).unwrap();
            let start = format!("{columns} ({values}, '{HASH}', '");
            assert!(sql.starts_with(&start), "{sql}");
            let end = format!("', {verified_at});");
            assert!(sql.ends_with(&end), "{sql}");
            assert_eq!(sql.len(), start.len() + 43 + end.len(), "{sql}");
        }
    }

    #[test]
    fn lines_that_the_service_would_refuse_are_refused() {
        for (members, problem) in [
            (r#""username":"ann""#, "id must be given"),
            (
                r#""id":"7","username":"ann""#,
                "id must be a positive whole number",
            ),
            (r#""id":7"#, "email or username must be given"),
            (
                r#""id":7,"username":"ann","role":"king""#,
                "role is not known",
            ),
            (
                r#""id":7,"username":"ann＠example.com""#,
                "username must not contain @",
            ),
        ] {
            assert_eq!(of(members).unwrap_err(), problem);
        }
    }
}
