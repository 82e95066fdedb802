use super::*;
use crate::password::derivation::new_derivation;

const BUDGET: Milliseconds = Milliseconds(400);
const SALT: &str = "BwcHBwcHBwcHBwcHBwcHBw";
const HASH: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
const HEX: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const DEFAULT: Function = Function::Pbkdf2 {
    hash: Pbkdf2Hash::Sha512,
    iterations: 210_000,
};
const ARGON2ID: Function = Function::Argon2 {
    id: true,
    memory: 19_456,
    passes: 2,
    lanes: 1,
};

fn parse(text: &str) -> Result<StoredPassword, HashRefused> {
    StoredPassword::parse(text, BUDGET)
}

fn refused(text: &str) -> HashRefused {
    parse(text).unwrap_err()
}

#[test]
fn new_passwords_are_written_in_the_documented_forms() {
    let none = Peppers::default();
    for (function, bytes, form) in [
        (
            DEFAULT,
            64,
            format!("$pbkdf2-sha512$i=210000${SALT}${}AQ", "AQEB".repeat(21)),
        ),
        (
            ARGON2ID,
            32,
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${HASH}"),
        ),
    ] {
        let derivation = new_derivation(function, [7; 16]);
        assert_eq!(derivation.output_bytes, bytes);
        let key = DerivedKey::new(vec![1; bytes]);
        let phc = to_phc(&derivation, &key, None).unwrap();
        assert_eq!(phc, form);
        let stored = parse(&phc).unwrap();
        assert_eq!(stored.derivation().function, function);
        assert_eq!(stored.derivation().salt, [7; 16]);
        assert!(stored.matches(&key, &none));
        assert!(stored.may_be_normalized());
        assert_eq!(stored.replacement(function, None), None);
    }
}

#[test]
fn only_forms_of_the_present_are_written() {
    let bcrypt = Function::Bcrypt { log_rounds: 4 };
    let key = DerivedKey::new(vec![1; 32]);
    assert!(to_phc(&new_derivation(bcrypt, [7; 16]), &key, None).is_err());
}

#[test]
fn matches_only_the_same_key() {
    let none = Peppers::default();
    let function = Function::Pbkdf2 {
        hash: Pbkdf2Hash::Sha256,
        iterations: 1000,
    };
    let derivation = new_derivation(function, [9; 16]);
    let right = derivation.run(b"right").unwrap();
    let stored = parse(&to_phc(&derivation, &right, None).unwrap()).unwrap();
    assert!(stored.matches(&stored.derivation().run(b"right").unwrap(), &none));
    assert!(!stored.matches(&stored.derivation().run(b"wrong").unwrap(), &none));
    assert!(!stored.matches(&DerivedKey::new(vec![]), &none));
    let mut longer = right.as_bytes().to_vec();
    longer.push(0);
    assert!(!stored.matches(&DerivedKey::new(longer), &none));
}

#[test]
fn unknown_and_damaged_forms_are_refused() {
    for text in [
        "",
        "secret",
        "plain$$secret",
        "md5$salt$0123456789abcdef",
        "sha256$salt$0123456789abcdef",
        "pbkdf2:md5:1000$salt$0123456789abcdef0123",
        "pbkdf2_sha256$1000$salt$hash",
        "a$b$c$d",
    ] {
        assert_eq!(refused(text), HashRefused::UnknownForm, "{text}");
    }
    for text in [
        format!("$argon2d$v=19$m=8192,t=1,p=1${SALT}${HASH}"),
        format!("$md5$i=1${SALT}${HASH}"),
    ] {
        assert_eq!(refused(&text), HashRefused::UnknownForm, "{text}");
    }
    for text in [
        format!("$pbkdf2-sha512${SALT}${HASH}"),
        format!("$pbkdf2-sha512$i=0${SALT}${HASH}"),
        format!("$pbkdf2-sha512$i=4294967296${SALT}${HASH}"),
        format!("$pbkdf2-sha512$v=1$i=1${SALT}${HASH}"),
        format!("$pbkdf2-sha512$i=1,x=16${SALT}${HASH}"),
        format!("$pbkdf2-sha512$i=1,l=16${SALT}${HASH}"),
        format!("$pbkdf2-sha512$i=1${SALT}"),
        format!("$pbkdf2-sha512$i=1${SALT}$AQEBAQEBAQE"),
        "$pbkdf2-sha512$i=1".into(),
        format!("$pbkdf2-sha256$0${SALT}${HASH}"),
        format!("$pbkdf2-sha256$-1${SALT}${HASH}"),
        format!("$pbkdf2-sha256$+1${SALT}${HASH}"),
        format!("$pbkdf2-sha256$1${SALT}$AQEB"),
        format!("$pbkdf2-sha256$1${SALT}$A"),
        format!("$argon2id$m=8192,t=1,p=1${SALT}${HASH}"),
        format!("$argon2id$v=16$m=8192,t=1,p=1${SALT}${HASH}"),
        format!("$argon2id$v=19$m=8192,t=1${SALT}${HASH}"),
        format!("$argon2id$v=19$m=8192,t=1,p=1,x=1${SALT}${HASH}"),
        format!("$argon2id$v=19$m=8,t=1,p=4${SALT}${HASH}"),
        format!("$argon2id$v=19$m=8192,t=1,p=16777216${SALT}${HASH}"),
        "$2b$03$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
        "$2b$32$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
        "$2b$xx$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
        "$2b$10$short".into(),
        format!("$2b$10${}", "ä".repeat(26) + "x"),
        "pbkdf2:sha256:0$salt$0123456789abcdef0123".into(),
        "pbkdf2:sha256:x$salt$0123456789abcdef0123".into(),
        "pbkdf2:sha256:1000$salt$0123".into(),
        "pbkdf2:sha256:1000$salt$012".into(),
        "pbkdf2:sha256:1000$salt$0123456789abcdef012x".into(),
        format!("pbkdf2:sha256:1000$${HEX}"),
        format!("scrypt:1000:8:1$salt${HEX}"),
        format!("scrypt:1:8:1$salt${HEX}"),
        format!("scrypt:1024:0:1$salt${HEX}"),
    ] {
        assert_eq!(refused(&text), HashRefused::Malformed, "{text}");
    }
}

#[test]
fn costs_over_the_budget_are_refused() {
    for text in [
        format!("$pbkdf2-sha256$i=4294967295${SALT}${HASH}"),
        format!("pbkdf2:sha256:4294967295$salt${HEX}"),
        format!("pbkdf2:sha512:1000000$salt${HEX}"),
        format!("$pbkdf2-sha256$4294967295${SALT}${HASH}"),
        format!("$argon2id$v=19$m=65536,t=4294967295,p=1${SALT}${HASH}"),
        format!("scrypt:1024:8:4294967295$salt${HEX}"),
        "$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
        "$2b$13$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
    ] {
        assert_eq!(refused(&text), HashRefused::TooSlow, "{text}");
    }
    for text in [
        format!("$argon2id$v=19$m=65537,t=1,p=1${SALT}${HASH}"),
        format!("$argon2id$v=19$m=4294967295,t=1,p=1${SALT}${HASH}"),
        format!("scrypt:33554432:8:1$salt${HEX}"),
        format!("scrypt:1024:4294967295:1$salt${HEX}"),
        format!("$scrypt$ln=25,r=8,p=1${SALT}${HASH}"),
        format!("$scrypt$ln=256,r=8,p=1${SALT}${HASH}"),
        format!("$scrypt$ln=63,r=8,p=1${SALT}${HASH}"),
    ] {
        assert_eq!(refused(&text), HashRefused::TooMuchMemory, "{text}");
    }
    // What old services store by default is within it.
    for text in [
        format!("pbkdf2:sha256:1000000$salt${HEX}"),
        format!("scrypt:32768:8:1$salt${HEX}{HEX}"),
        format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}${HASH}"),
        format!("$scrypt$ln=16,r=8,p=1${SALT}${HASH}"),
        "$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
    ] {
        assert!(parse(&text).is_ok(), "{text}: {:?}", parse(&text));
    }
}

#[test]
fn hashes_are_replaced_but_never_by_cheaper_ones() {
    let outdated = |text: &str, current| {
        let replacement = parse(text).unwrap().replacement(current, None);
        assert!(
            replacement.is_none_or(|function| function == current),
            "{text}"
        );
        replacement.is_some()
    };
    for text in [
        format!("$pbkdf2-sha512$i=209999${SALT}${HASH}"),
        format!("$pbkdf2-sha256$i=100000${SALT}${HASH}"),
        format!("$pbkdf2-sha512$210000${SALT}${HASH}"),
        format!("$pbkdf2-sha256$29000${SALT}${HASH}"),
        format!("pbkdf2:sha256:260000$salt${HEX}"),
        format!("pbkdf2:sha1:150000$salt${HEX}"),
        format!("scrypt:32768:8:1$salt${HEX}"),
        format!("$scrypt$ln=15,r=8,p=1${SALT}${HASH}"),
        format!("$argon2i$v=19$m=65536,t=3,p=4${SALT}${HASH}"),
        format!("$argon2id$v=19$m=8192,t=1,p=1${SALT}${HASH}"),
        "$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghiu".into(),
    ] {
        assert!(outdated(&text, DEFAULT), "{text}");
    }
    for text in [
        format!("$pbkdf2-sha512$i=210001${SALT}${HASH}"),
        format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}${HASH}"),
        format!("pbkdf2:sha256:1000000$salt${HEX}"),
    ] {
        assert!(!outdated(&text, DEFAULT), "{text}");
    }
    // A setting that changed to a function as strong is followed.
    assert!(outdated(
        &format!("$pbkdf2-sha512$i=210000${SALT}${HASH}"),
        ARGON2ID
    ));
    assert!(!outdated(
        &format!("$pbkdf2-sha512$i=400000${SALT}${HASH}"),
        ARGON2ID
    ));
    assert!(outdated(
        &format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${HASH}"),
        DEFAULT
    ));
}

#[test]
fn a_pepper_is_named_and_needed() {
    let pepper = |byte| Pepper::new(&[byte; 32]).unwrap();
    let function = Function::Pbkdf2 {
        hash: Pbkdf2Hash::Sha512,
        iterations: 1000,
    };
    let derivation = new_derivation(function, [9; 16]);
    let key = derivation.run(b"right").unwrap();
    let phc = to_phc(&derivation, &key, Some(&pepper(b'1'))).unwrap();
    let start = format!("$pbkdf2-sha512$i=1000,keyid={}$", pepper(b'1').id());
    assert!(phc.starts_with(&start), "{phc}");

    let stored = parse(&phc).unwrap();
    let key = stored.derivation().run(b"right").unwrap();
    let wrong = stored.derivation().run(b"wrong").unwrap();
    let active = Peppers {
        active: Some(pepper(b'1')),
        retired: vec![],
    };
    let retired = Peppers {
        active: Some(pepper(b'2')),
        retired: vec![pepper(b'1')],
    };
    for peppers in [&active, &retired] {
        assert!(stored.matches(&key, peppers));
        assert!(!stored.matches(&wrong, peppers));
    }
    assert!(!stored.matches(&key, &Peppers::default()));
    assert!(stored.has_its_pepper(&retired) && !stored.has_its_pepper(&Peppers::default()));
    let replacement =
        |peppers: &Peppers, current| stored.replacement(current, peppers.active.as_ref());
    assert_eq!(replacement(&active, function), None);
    assert_eq!(replacement(&active, DEFAULT), Some(DEFAULT));
    assert_eq!(replacement(&retired, function), Some(function));
    assert_eq!(replacement(&Peppers::default(), function), Some(function));
}

#[test]
fn a_change_of_pepper_makes_no_hash_cheaper() {
    let pepper = Pepper::new(&[b'1'; 32]).unwrap();
    let replacement = |text: &str| parse(text).unwrap().replacement(DEFAULT, Some(&pepper));
    let costlier = Function::Pbkdf2 {
        hash: Pbkdf2Hash::Sha512,
        iterations: 400_000,
    };
    let ours = format!("$pbkdf2-sha512$i=400000${SALT}${HASH}");
    assert_eq!(replacement(&ours), Some(costlier));
    let default = format!("$pbkdf2-sha512$i=210000${SALT}${HASH}");
    assert_eq!(replacement(&default), Some(DEFAULT));
    // Our form of it would not fit the budget; the pepper makes up for the cost.
    let old = format!("pbkdf2:sha256:1000000$salt${HEX}");
    assert_eq!(replacement(&old), Some(DEFAULT));
}

#[test]
fn hashes_do_not_print() {
    let text = format!("$pbkdf2-sha256$i=1${SALT}${HASH}");
    assert!(!format!("{:?}", parse(&text).unwrap()).contains("AQ"));
}
