//! What settings parse as, and what is said of those that do not.

use std::cell::RefCell;
use std::collections::BTreeSet;

use edge_auth_core::account::Roles;
use edge_auth_core::password::Pbkdf2Hash;
use edge_auth_core::token::Algorithm;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn parse(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::parse(|name| {
        let given = settings.iter().find(|(key, _)| *key == name);
        given.map(|(_, value)| (*value).to_owned())
    })
}

fn pbkdf2(hash: Pbkdf2Hash, iterations: u32) -> Function {
    Function::Pbkdf2 { hash, iterations }
}

fn problem(setting: &str, value: &str) -> String {
    let settings = [("JWT_SECRET", SECRET), (setting, value)];
    let settings = if setting == "JWT_SECRET" {
        &settings[1..]
    } else {
        &settings[..]
    };
    parse(settings).unwrap_err().to_string()
}

#[test]
fn defaults_are_the_documented_ones() {
    let config = parse(&[("JWT_SECRET", SECRET)]).unwrap();
    assert_eq!(config.issuer, "edge-auth");
    assert_eq!(config.access_token_lifetime, Seconds(900));
    assert_eq!(config.allowed_origins, AllowedOrigins::None);
    assert!(config.registration_is_open);
    assert!(!config.trust_token_alone);
    assert_eq!(
        config.session_lifetimes.absolute,
        Milliseconds(30 * 86_400_000)
    );
    assert_eq!(config.session_lifetimes.idle, Milliseconds(7 * 86_400_000));
    assert_eq!(config.sessions_per_user, 50);
    assert_eq!(config.roles, Roles::default());
    assert_eq!(config.audit_retention, Milliseconds(90 * 86_400_000));
    assert!(!config.read_replication);
    assert_eq!(
        config.password_function,
        pbkdf2(Pbkdf2Hash::Sha512, 210_000)
    );
    assert_eq!(config.password_min_length, 8);
    assert_eq!(config.sign_in_budget(), Milliseconds(400));
    assert_eq!(config.sign_in_floor, Milliseconds(500));
    assert!(config.public_url.is_none());
    assert!(config.mail.is_none());
    assert!(!config.refuses_breached_passwords);
    assert!(config.data_keys.is_none());
}

#[test]
fn settings_are_taken() {
    let config = parse(&[
        ("JWT_SECRET", SECRET),
        ("JWT_ISSUER", "https://auth.example.com"),
        ("ACCESS_TOKEN_LIFETIME", "60"),
        ("ALLOWED_ORIGINS", "*"),
        ("PASSWORD_HASH", "pbkdf2-sha256"),
        ("SIGN_IN_FLOOR_MS", "600"),
    ])
    .unwrap();
    assert_eq!(config.issuer, "https://auth.example.com");
    assert_eq!(config.access_token_lifetime, Seconds(60));
    assert_eq!(config.allowed_origins, AllowedOrigins::Any);
    assert_eq!(
        config.password_function,
        pbkdf2(Pbkdf2Hash::Sha256, 600_000)
    );
    assert_eq!(config.sign_in_floor, Milliseconds(600));
    let config = parse(&[("JWT_SECRET", SECRET), ("PASSWORD_ITERATIONS", "100000")]).unwrap();
    assert_eq!(
        config.password_function,
        pbkdf2(Pbkdf2Hash::Sha512, 100_000)
    );
    let config = parse(&[("JWT_SECRET", SECRET), ("PASSWORD_HASH", "argon2id")]).unwrap();
    let argon2id = Function::Argon2 {
        id: true,
        memory: 19_456,
        passes: 2,
        lanes: 1,
    };
    assert_eq!(config.password_function, argon2id);
}

#[test]
fn wrong_settings_are_named() {
    assert_eq!(parse(&[]).unwrap_err().to_string(), "JWT_SECRET is not set");
    assert_eq!(
        problem("JWT_SECRET", "0123456789abcdef0123456789abcde"),
        "JWT_SECRET is shorter than 32 bytes"
    );
    assert_eq!(problem("JWT_ISSUER", ""), "JWT_ISSUER is empty");
    for value in ["", "Closed", "no"] {
        assert_eq!(
            problem("REGISTRATION", value),
            "REGISTRATION must be open or closed"
        );
    }
    assert_eq!(problem("ALLOWED_ORIGINS", ""), "ALLOWED_ORIGINS is empty");
    assert_eq!(
        problem("PASSWORD_HASH", "bcrypt"),
        "PASSWORD_HASH must be one of pbkdf2-sha512, pbkdf2-sha256, argon2id"
    );
    for value in ["99999", "10000001", "", "1e6", "-1", "many"] {
        assert_eq!(
            problem("PASSWORD_ITERATIONS", value),
            "PASSWORD_ITERATIONS must be a whole number from 100000 to 10000000"
        );
    }
    assert_eq!(
        problem("ACCESS_TOKEN_LIFETIME", "59"),
        "ACCESS_TOKEN_LIFETIME must be a whole number from 60 to 86400"
    );
    assert_eq!(
        problem("SIGN_IN_FLOOR_MS", "10001"),
        "SIGN_IN_FLOOR_MS must be a whole number from 10 to 10000"
    );
    for setting in ["SESSION_LIFETIME", "SESSION_IDLE_LIFETIME"] {
        assert_eq!(
            problem(setting, "31536001"),
            format!("{setting} must be a whole number from 60 to 31536000")
        );
    }
    let named = "ROLES has a name that is not 1 to 64 of a to z, 0 to 9, _ and -";
    assert_eq!(problem("ROLES", "customer, Admin"), named);
    assert_eq!(problem("ROLES", "customer editor"), "ROLES lacks admin");
    assert_eq!(problem("ROLES", ""), "ROLES lacks customer");
    assert_eq!(
        problem("AUDIT_RETENTION_DAYS", "0"),
        "AUDIT_RETENTION_DAYS must be a whole number from 1 to 3650"
    );
    assert_eq!(
        problem("SESSIONS_PER_USER", "0"),
        "SESSIONS_PER_USER must be a whole number from 1 to 1000"
    );
    let too_short = "SIGN_IN_FLOOR_MS is too short for the hash of a new password";
    assert_eq!(problem("SIGN_IN_FLOOR_MS", "200"), too_short);
    assert_eq!(problem("PASSWORD_ITERATIONS", "1000000"), too_short);
    let argon2id = [
        ("JWT_SECRET", SECRET),
        ("PASSWORD_HASH", "argon2id"),
        ("PASSWORD_ITERATIONS", "210000"),
    ];
    assert_eq!(
        parse(&argon2id).unwrap_err().to_string(),
        "PASSWORD_ITERATIONS is set, which argon2id has none of"
    );
}

#[test]
fn the_fewest_characters_of_a_password_are_8_to_64() {
    for (value, taken) in [("8", 8), ("15", 15), ("64", 64)] {
        let config = parse(&[("JWT_SECRET", SECRET), ("PASSWORD_MIN_LENGTH", value)]);
        assert_eq!(config.unwrap().password_min_length, taken);
    }
    for value in ["7", "65", "0", "-8", "8.0", "", "eight"] {
        assert_eq!(
            problem("PASSWORD_MIN_LENGTH", value),
            "PASSWORD_MIN_LENGTH must be a whole number from 8 to 64"
        );
    }
}

#[test]
fn breached_passwords_are_taken_or_refused() {
    for (value, expected) in [("off", false), ("refuse", true)] {
        let config = parse(&[("JWT_SECRET", SECRET), ("BREACHED_PASSWORDS", value)]);
        assert_eq!(config.unwrap().refuses_breached_passwords, expected);
    }
    assert_eq!(
        problem("BREACHED_PASSWORDS", "warn"),
        "BREACHED_PASSWORDS must be off or refuse"
    );
}

#[test]
fn peppers_are_taken() {
    let retired = format!("{} {}\n", "1".repeat(32), "2".repeat(40));
    let config = parse(&[
        ("JWT_SECRET", SECRET),
        ("PASSWORD_PEPPER", SECRET),
        ("PASSWORD_PEPPERS_RETIRED", &retired),
    ])
    .unwrap();
    assert!(config.peppers.active.is_some());
    assert_eq!(config.peppers.retired.len(), 2);
    let short = "is shorter than 32 bytes";
    assert_eq!(
        problem("PASSWORD_PEPPER", "short"),
        format!("PASSWORD_PEPPER {short}")
    );
    for blank in ["", " \n"] {
        assert_eq!(
            problem("PASSWORD_PEPPER", blank),
            "PASSWORD_PEPPER is empty"
        );
    }
    let setting = "PASSWORD_PEPPERS_RETIRED";
    let one_short = format!("{SECRET} short");
    assert_eq!(problem(setting, &one_short), format!("{setting} {short}"));
    let two = format!("{SECRET} {SECRET}");
    assert_eq!(
        problem("PASSWORD_PEPPER", &two),
        "PASSWORD_PEPPER has white space in it"
    );
}

/// Bytes from 128 on, whose base64 has digits of both alphabets.
const DATA_KEY: &str = "-_-_gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmamxw";

#[test]
fn data_keys_are_taken() {
    let data_keys = |settings: &[(&str, &str)]| {
        let settings = [&[("JWT_SECRET", SECRET)], settings].concat();
        parse(&settings).unwrap().data_keys
    };
    let open = |keys: &DataKeys, text: &str| {
        let opened = keys.open(text, "x")?;
        Some((opened.plain.to_vec(), opened.is_of_active))
    };
    let keys = data_keys(&[("DATA_KEY", DATA_KEY)]).unwrap();
    let sealed = keys.seal(b"plain", "x", [1; 12]);
    let plain = b"plain".to_vec();
    let base64 = DATA_KEY.replace('-', "+").replace('_', "/");
    for same in [format!("{DATA_KEY}="), format!("{base64}\n"), base64] {
        let keys = data_keys(&[("DATA_KEY", &same)]).unwrap();
        assert_eq!(open(&keys, &sealed), Some((plain.clone(), true)), "{same}");
    }
    let new = "A".repeat(42) + "E";
    let retired = format!("\n{}\r\n{DATA_KEY}\n", "B".repeat(42) + "E");
    let keys = data_keys(&[("DATA_KEY", &new), ("DATA_KEYS_RETIRED", &retired)]).unwrap();
    assert_eq!(keys.retired.len(), 2);
    assert_eq!(open(&keys, &sealed), Some((plain, false)));
    let keys = data_keys(&[("DATA_KEY", &new)]).unwrap();
    assert_eq!(open(&keys, &sealed), None);
}

#[test]
fn wrong_data_keys_are_refused() {
    let must = "must be 32 random bytes as base64url or base64";
    let zeros = "A".repeat(43);
    let (short, long) = ("C".repeat(42), "C".repeat(44));
    let mixed = DATA_KEY.replacen('-', "+", 1);
    let two = format!("{DATA_KEY} {DATA_KEY}");
    let last_bits = format!("{}x", DATA_KEY.strip_suffix('w').unwrap());
    for wrong in ["", " ", &zeros, &short, &long, &mixed, &two, &last_bits] {
        assert_eq!(
            problem("DATA_KEY", wrong),
            format!("DATA_KEY {must}"),
            "{wrong}"
        );
    }
    let with_retired = |retired: &str| {
        parse(&[
            ("JWT_SECRET", SECRET),
            ("DATA_KEY", DATA_KEY),
            ("DATA_KEYS_RETIRED", retired),
        ])
    };
    for wrong in ["short", &format!("{DATA_KEY}\nshort")] {
        let error = with_retired(wrong).unwrap_err().to_string();
        assert_eq!(error, format!("DATA_KEYS_RETIRED {must}, one key a line"));
    }
    let keys = with_retired("").unwrap().data_keys.unwrap();
    assert!(keys.retired.is_empty());
    assert_eq!(
        problem("DATA_KEYS_RETIRED", DATA_KEY),
        "DATA_KEY is not set, but DATA_KEYS_RETIRED is"
    );
}

/// RFC 8037 appendix A.1.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// RFC 7515 appendix A.3.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

#[test]
fn the_algorithm_picks_the_active_key() {
    let hs256 = parse(&[("JWT_SECRET", SECRET), ("JWT_ALGORITHM", "HS256")]).unwrap();
    assert_eq!(hs256.keys.active.algorithm(), Algorithm::Hs256);
    for (name, algorithm, jwk) in [
        ("EdDSA", Algorithm::EdDsa, ED25519),
        ("ES256", Algorithm::Es256, P256),
    ] {
        let config = parse(&[("JWT_ALGORITHM", name), ("JWT_PRIVATE_KEY", jwk)]).unwrap();
        assert_eq!(config.keys.active.algorithm(), algorithm);
        assert!(config.keys.retired.is_empty());
        // The secret is not a second key, nor a substitute for the first.
        let weak = [
            ("JWT_ALGORITHM", name),
            ("JWT_PRIVATE_KEY", jwk),
            ("JWT_SECRET", "weak"),
        ];
        assert_eq!(parse(&weak).unwrap().keys.derived_secrets("x").len(), 1);
        let without = parse(&[("JWT_ALGORITHM", name), ("JWT_SECRET", SECRET)]);
        assert_eq!(
            without.unwrap_err().to_string(),
            "JWT_PRIVATE_KEY is not set"
        );
    }
    let without = parse(&[("JWT_PRIVATE_KEY", ED25519)]);
    assert_eq!(without.unwrap_err().to_string(), "JWT_SECRET is not set");
    for name in ["", "hs256", "none", "RS256", "Ed25519", "EdDSA "] {
        assert_eq!(
            problem("JWT_ALGORITHM", name),
            "JWT_ALGORITHM must be one of HS256, EdDSA, ES256"
        );
    }
}

#[test]
fn retired_keys_are_taken() {
    let secrets = format!(
        "{}\n\r\n{} {}\n",
        "1".repeat(32),
        "2".repeat(20),
        "3".repeat(20)
    );
    let jwks = format!("{ED25519}{P256}");
    let config = parse(&[
        ("JWT_SECRET", SECRET),
        ("JWT_SECRETS_RETIRED", &secrets),
        ("JWT_KEYS_RETIRED", &jwks),
    ])
    .unwrap();
    assert_eq!(config.keys.retired.len(), 4);
    assert_eq!(config.keys.jwks()["keys"].as_array().unwrap().len(), 2);
    let none = [
        ("JWT_SECRET", SECRET),
        ("JWT_SECRETS_RETIRED", ""),
        ("JWT_KEYS_RETIRED", "\n"),
    ];
    assert!(parse(&none).unwrap().keys.retired.is_empty());
}

#[test]
fn weak_retired_secrets_need_a_setting_that_names_the_risk() {
    let weak_jwk = r#"{"kty":"oct","k":"c2hvcnQ"}"#;
    for (setting, weak) in [
        ("JWT_SECRETS_RETIRED", "short"),
        ("JWT_KEYS_RETIRED", weak_jwk),
    ] {
        let with = |accept| {
            parse(&[
                ("JWT_SECRET", SECRET),
                (setting, weak),
                ("JWT_ACCEPT_FORGEABLE_TOKENS", accept),
            ])
        };
        assert_eq!(with("true").unwrap().keys.retired.len(), 1);
        let refused = with("false").unwrap_err().to_string();
        assert_eq!(refused, problem(setting, weak));
        let problem = "has a secret shorter than 32 bytes, with which tokens can be forged; \
                       JWT_ACCEPT_FORGEABLE_TOKENS = true accepts that";
        assert_eq!(refused, format!("{setting} {problem}"));
    }
    for value in ["", "1", "yes", "True", " true"] {
        assert_eq!(
            problem("JWT_ACCEPT_FORGEABLE_TOKENS", value),
            "JWT_ACCEPT_FORGEABLE_TOKENS must be true or false"
        );
    }
    // It is about retired secrets alone.
    let active = [
        ("JWT_SECRET", "short"),
        ("JWT_ACCEPT_FORGEABLE_TOKENS", "true"),
    ];
    let refused = parse(&active).unwrap_err().to_string();
    assert_eq!(refused, "JWT_SECRET is shorter than 32 bytes");
}

#[test]
fn wrong_keys_are_named_and_not_shown() {
    let private = |jwk: &str| {
        let settings = [("JWT_ALGORITHM", "EdDSA"), ("JWT_PRIVATE_KEY", jwk)];
        parse(&settings).unwrap_err().to_string()
    };
    let public = ED25519.replace(r#""d":"#, r#""_":"#);
    for (jwk, expected) in [
        ("", "JWT_PRIVATE_KEY must be one JSON Web Key"),
        (
            "x",
            "JWT_PRIVATE_KEY must be JSON Web Keys, one after another",
        ),
        (
            P256,
            "JWT_PRIVATE_KEY is a key of another algorithm than JWT_ALGORITHM",
        ),
        (&public, "JWT_PRIVATE_KEY has a key without d"),
    ] {
        assert_eq!(private(jwk), expected);
    }
    for (jwks, expected) in [
        (
            format!("{ED25519},{P256}"),
            "must be JSON Web Keys, one after another",
        ),
        (
            ED25519.replace("OKP", "RSA"),
            "has a key whose kty is not OKP, EC or oct",
        ),
        (
            P256.replace("P-256", "P-384"),
            "has a key whose crv is not Ed25519 (of OKP) or P-256 (of EC)",
        ),
        (
            P256.replace("x_FEz", "x_FEy"),
            "has a key whose public half is not a point of the curve",
        ),
        (
            ED25519.replace("nWGx", "nWGy"),
            "has a key whose public half does not belong to d",
        ),
        (
            ED25519.replace("nWGx", "nWG"),
            "has a key whose d is not base64url of the right length",
        ),
        (r#"{"kty":"oct","k":""}"#.to_owned(), "has an empty secret"),
    ] {
        let setting = "JWT_KEYS_RETIRED";
        assert_eq!(problem(setting, &jwks), format!("{setting} {expected}"));
    }
}

#[test]
fn protected_prefixes_are_taken() {
    let problem = problem("PROTECTED", "{}");
    assert_eq!(problem, "PROTECTED must be an array of tables");
    let entry = r#"[{"prefix":"/book/","upstream":"BOOKS","dialect":"JWT"}]"#;
    let config = parse(&[("JWT_SECRET", SECRET), ("PROTECTED", entry)]).unwrap();
    let place = config.protected.place("/book/x", str::to_owned);
    assert!(matches!(place, gateway::Place::Under(_)));
}

#[test]
fn secrets_do_not_print() {
    let settings = [
        ("JWT_SECRET", SECRET),
        ("PASSWORD_PEPPER", SECRET),
        ("JWT_SECRETS_RETIRED", SECRET),
    ];
    let printed = format!("{:?}", parse(&settings).unwrap());
    assert!(!printed.contains("0123456789"), "{printed}");
}

/// Every name that is read while settings of each algorithm and of each way to send mails are parsed.
fn names_that_are_read() -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let keys = [
        ("HS256", SECRET, "resend", "postmark"),
        ("EdDSA", ED25519, "webhook", "none"),
    ];
    for (algorithm, key, mail, fallback) in keys {
        let config = Config::parse(|name| {
            names.borrow_mut().insert(name.to_owned());
            let value = match name {
                "JWT_ALGORITHM" => algorithm,
                "JWT_SECRET" | "JWT_PRIVATE_KEY" => key,
                "MAIL" => mail,
                "MAIL_FALLBACK" => fallback,
                "MAIL_API_KEY" | "MAIL_FALLBACK_API_KEY" => "key",
                "MAIL_FROM" => "no-reply@example.com",
                "MAIL_WEBHOOK_URL" | "PUBLIC_URL" => "https://auth.example.com",
                "MAIL_WEBHOOK_SECRET" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                _ => return None,
            };
            Some(value.to_owned())
        });
        config.unwrap();
    }
    names.into_inner()
}

#[test]
fn the_document_has_a_row_for_each_setting_and_no_other() {
    let document = include_str!("../../docs/settings.md");
    let rows = document.lines().filter_map(|line| {
        let name = line.strip_prefix("| `")?.split('`').next()?;
        Some(name.to_owned())
    });
    let mut documented: Vec<_> = rows.collect();
    documented.sort_unstable();
    let read: Vec<_> = names_that_are_read().into_iter().collect();
    assert_eq!(documented, read);
}
