//! The host's Unicode against the tables of Rust's standard library and of crates, over all characters.

use edge_auth::platform::unicode::HOST;
use js_sys::RegExp;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

/// Every character with what the host and `other` make of it, where that is not the same.
fn differences<T: PartialEq>(
    host: impl Fn(&str) -> T,
    other: impl Fn(&str) -> T,
) -> Vec<(char, T, T)> {
    let differs = |c: char| {
        let text = c.to_string();
        let (host, other) = (host(&text), other(&text));
        (host != other).then_some((c, host, other))
    };
    ('\0'..=char::MAX).filter_map(differs).collect()
}

/// Whether the host's version of Unicode has no such character.
fn unassigned_in_host(c: char) -> bool {
    RegExp::new(r"\p{gc=Cn}", "u").test(&c.to_string())
}

/// The same of the crates'.
fn unassigned_in_crates(c: char) -> bool {
    c.general_category() == GeneralCategory::Unassigned
}

/// The same of the standard library's, for a character that others map to another case: all of those are alphabetic.
fn unassigned_in_std(c: char) -> bool {
    !c.is_alphabetic()
}

/// Fails unless one of the two sides has no such character as was mapped or came out.
fn assert_newer(
    what: &str,
    differences: Vec<(char, String, String)>,
    unassigned: fn(char) -> bool,
) {
    for (c, host, other) in differences {
        console_log!("{what} of {c:?} is {host:?} for the host, else {other:?}");
        let came_out = [&host, &other].into_iter().filter_map(|text| {
            let mut characters = text.chars();
            characters.next().filter(|_| characters.next().is_none())
        });
        let mut known = came_out.chain([c]);
        assert!(
            known.any(|c| unassigned_in_host(c) || unassigned(c)),
            "{what} of {c:?}"
        );
    }
}

#[wasm_bindgen_test]
fn case_is_mapped_as_by_the_standard_library() {
    let lower = differences(HOST.to_lowercase, str::to_lowercase);
    assert_newer("lower case", lower, unassigned_in_std);
    let upper = differences(HOST.to_uppercase, str::to_uppercase);
    assert_newer("upper case", upper, unassigned_in_std);
    // Σ in its place: at the end of a word, alone, before and after what does not count.
    for text in [
        "ΟΔΟΣ",
        "Σ",
        "ΑΣΑ",
        "ΑΣ.",
        "ΑΣ.Α",
        "Α\u{301}Σ\u{301}",
        "ΑΣ Σ",
    ] {
        assert_eq!((HOST.to_lowercase)(text), text.to_lowercase());
    }
}

#[wasm_bindgen_test]
fn normal_forms_are_those_of_the_crate() {
    let nfc = differences(HOST.nfc, |text| text.nfc().collect());
    assert_newer("NFC", nfc, unassigned_in_crates);
    let nfkc = differences(HOST.nfkc, |text| text.nfkc().collect());
    assert_newer("NFKC", nfkc, unassigned_in_crates);
}

#[wasm_bindgen_test]
fn format_characters_are_those_of_the_crate() {
    let is_format = |text: &str| {
        let category = |c: char| c.general_category();
        text.chars()
            .map(category)
            .any(|category| category == GeneralCategory::Format)
    };
    assert!(HOST.has_format_characters("ann\u{200b}") && !HOST.has_format_characters("änn"));
    for (c, host, _) in differences(HOST.has_format_characters, is_format) {
        console_log!("{c:?} is a format character for one: the host says {host}");
        assert!(unassigned_in_host(c) || unassigned_in_crates(c), "{c:?}");
    }
}
