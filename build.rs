//! Compiles in what pages are made of beside their templates: their texts, and the digests of their style sheet and script.
//!
//! A language is a folder of `texts/` that has a `pages.txt`. A key that a template does not find, or that a language lacks,
//! is an error of the build.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

/// The language whose keys the others must have, and which is spoken where none of a client's is there.
const DEFAULT: &str = "en";

/// The style sheet of all pages, and the script of some.
const INSIDE: [&str; 2] = ["style.css", "script.js"];

type Texts = BTreeMap<String, String>;

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=texts");
    let default = read(DEFAULT)?;
    let mut languages = vec![(DEFAULT.to_owned(), default.clone())];
    for language in other_languages()? {
        let texts = read(&language)?;
        compare(&default, &texts).map_err(|problem| format!("{}: {problem}", file(&language)))?;
        languages.push((language, texts));
    }
    write("texts.rs", &code(&languages))?;
    for name in INSIDE {
        let file = format!("templates/{name}");
        println!("cargo::rerun-if-changed={file}");
        let content = fs::read(&file).map_err(|error| format!("{file}: {error}"))?;
        let digest = Base64::encode_string(&Sha256::digest(content));
        // As a policy has it (CSP 3 section 2.3.1).
        write(&format!("{name}.digest"), &format!("sha256-{digest}"))?;
    }
    Ok(())
}

/// Writes a file that the crate includes.
fn write(name: &str, content: &str) -> Result<(), String> {
    let out_dir = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    fs::write(Path::new(&out_dir).join(name), content).map_err(|error| error.to_string())
}

fn file(language: &str) -> String {
    format!("texts/{language}/pages.txt")
}

/// In the order of their names, so that two machines build the same.
fn other_languages() -> Result<Vec<String>, String> {
    let folder = fs::read_dir("texts").map_err(|error| format!("texts: {error}"))?;
    let mut languages: Vec<_> = folder
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|language| language != DEFAULT && Path::new(&file(language)).exists())
        .collect();
    languages.sort();
    Ok(languages)
}

fn read(language: &str) -> Result<Texts, String> {
    let file = file(language);
    let content = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let mut texts = Texts::new();
    for line in content.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, text) = line
            .split_once(':')
            .map(|(key, text)| (key.trim(), text.trim()))
            .filter(|(key, text)| is_key(key) && !text.is_empty())
            .ok_or_else(|| format!("{file}: not a key, a colon and a text: {line}"))?;
        if texts.insert(key.to_owned(), text.to_owned()).is_some() {
            return Err(format!("{file}: {key} is there twice"));
        }
    }
    Ok(texts)
}

fn is_key(key: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    !key.is_empty() && key != "language" && key.bytes().all(fits)
}

fn compare(default: &Texts, other: &Texts) -> Result<(), String> {
    for (key, text) in default {
        let translated = other.get(key).ok_or_else(|| format!("{key} is missing"))?;
        if placeholders(text) != placeholders(translated) {
            return Err(format!("{key} has other placeholders than in {DEFAULT}"));
        }
    }
    match other.keys().find(|key| !default.contains_key(*key)) {
        Some(key) => Err(format!("{key} is not there in {DEFAULT}")),
        None => Ok(()),
    }
}

/// The names in braces, in the order of the alphabet.
fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<_> = text
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .collect();
    names.sort_unstable();
    names
}

/// A struct with a field a key, and a value of it a language, the default first. A field that nothing reads is a
/// warning of the compiler.
fn code(languages: &[(String, Texts)]) -> String {
    let mut fields = String::new();
    let mut values = String::new();
    for (index, (language, texts)) in languages.iter().enumerate() {
        let _ = writeln!(values, "Texts {{\nlanguage: {language:?},");
        for (key, text) in texts {
            if index == 0 {
                let _ = writeln!(fields, "pub(crate) {key}: &'static str,");
            }
            let _ = writeln!(values, "{key}: {text:?},");
        }
        values.push_str("},\n");
    }
    let count = languages.len();
    format!(
        "/// What pages say in one language.\n\
         #[derive(Debug)]\n\
         pub(crate) struct Texts {{\n\
         /// The language, as in `lang` (RFC 5646).\n\
         pub(crate) language: &'static str,\n{fields}}}\n\
         /// The languages, the default one first.\n\
         pub(super) static LANGUAGES: [Texts; {count}] = [\n{values}];\n"
    )
}
