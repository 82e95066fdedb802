//! The passwords that attackers guess first. NIST SP 800-63B has new ones compared with such a
//! list.
//!
//! `common_passwords.md` says where the list comes from.

/// The list, sorted, each entry without the bytes that it shares with the one before.
///
/// What ends an entry tells how many bytes the next one shares with it: `B` one, `C` two and so
/// on, a line feed none. That takes a fifth off the compressed list.
const LIST: &str = include_str!("common_passwords.txt");

/// Whether a password, folded as names are for comparison, is one of the most common.
#[must_use]
pub(super) fn is_common(folded: &str) -> bool {
    any_entry(|entry| entry == folded.as_bytes())
}

/// Whether `test` is true of an entry. Decodes as it goes: the list is read once per new
/// password, too rarely for a table to pay.
fn any_entry(mut test: impl FnMut(&[u8]) -> bool) -> bool {
    let mut entry = Vec::with_capacity(64);
    for byte in LIST.bytes() {
        let shared = match byte {
            b'\n' => 0,
            b'A'..=b'Z' => usize::from(byte - b'A'),
            _ => {
                entry.push(byte);
                continue;
            }
        };
        if test(&entry) {
            return true;
        }
        entry.truncate(shared);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<String> {
        let mut entries = Vec::new();
        any_entry(|entry| {
            entries.push(String::from_utf8(entry.to_vec()).unwrap());
            false
        });
        entries
    }

    #[test]
    fn finds_common_passwords() {
        for password in [
            "12345678",
            "00000000",
            "password",
            "password1",
            "p@ssw0rd",
            "qwertyuiop",
            "iloveyou",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn finds_the_first_and_the_last_entry() {
        let entries = entries();
        assert_eq!(entries.first().unwrap(), "\"zxcvbnm,\"");
        assert_eq!(entries.last().unwrap(), "zzzzzzzz");
        assert!(is_common("\"zxcvbnm,\""));
        assert!(is_common("zzzzzzzz"));
    }

    #[test]
    fn passes_other_passwords() {
        for password in [
            "",
            "passwor",
            "password1 ",
            " password1",
            "password1\n12345678",
            "passwordB",
            "correct horse battery staple",
            "пароль12",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn list_is_sorted_without_duplicates() {
        let entries = entries();
        assert_eq!(entries.len(), 3200);
        assert!(entries.is_sorted_by(|a, b| a < b));
        assert_eq!(LIST.bytes().last(), Some(b'\n'));
    }

    #[test]
    fn entries_could_be_passwords() {
        for entry in entries() {
            assert!((8..=64).contains(&entry.len()), "{entry}");
            assert!(
                entry
                    .bytes()
                    .all(|byte| matches!(byte, b' '..=b'~') && !byte.is_ascii_uppercase()),
                "{entry}"
            );
        }
    }
}
