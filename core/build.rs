//! Makes Rust of `texts/`: a folder a language, in it a file a kind of mail. docs/mail.md, "Languages".

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

#[allow(
    dead_code,
    unreachable_pub,
    reason = "the crate's own, of which little is needed here"
)]
#[path = "src/mail/kind.rs"]
mod kind;
#[path = "src/mail/text_file.rs"]
mod text_file;

use kind::{Kind, Placeholder};
use text_file::{TextFile, parse_words};

/// Beside the kinds: the words of which a browser's description is made.
const WORDS: &str = "words";

/// What hosted pages say, which the Worker reads.
const PAGES: &str = "pages";
const BROWSER_WORDS: [(&str, &[&str]); 3] = [
    ("browser_on_system", &["browser", "system"]),
    ("unknown_browser_on_system", &["system"]),
    ("unknown_browser", &[]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../texts");
    println!("cargo::rerun-if-changed={}", folder.display());
    match generate(&folder) {
        Ok(code) => fs::write(PathBuf::from(env::var("OUT_DIR")?).join("texts.rs"), code)?,
        Err(problem) => println!("cargo::error={problem}"),
    }
    Ok(())
}

/// The tables of all languages, English first, or what is wrong with a text.
fn generate(folder: &Path) -> Result<String, String> {
    let mut languages = names(folder)?;
    let english = languages.iter().position(|language| language == "en");
    let english = english.ok_or("texts/en is missing")?;
    let english = languages.remove(english);
    languages.insert(0, english);
    let count = languages.len();
    let mut code = format!("static TEXTS: [Texts; {count}] = [\n");
    for language in languages {
        let is_tag_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !language
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(is_tag_byte))
        {
            return Err(format!("texts/{language} is no language tag in lower case"));
        }
        let problem = |problem| format!("texts/{language}/{problem}");
        let texts = language_of(&folder.join(&language)).map_err(problem)?;
        let _ = write!(code, "Texts {{ code: {language:?},\n{texts}}},\n");
    }
    code.push_str("];\n");
    Ok(code)
}

/// The fields of a language's table.
fn language_of(folder: &Path) -> Result<String, String> {
    let known = |file: &String| {
        let name = file.strip_suffix(".txt").unwrap_or_default();
        [WORDS, PAGES].contains(&name) || Kind::parse(name).is_some()
    };
    if let Some(stranger) = names(folder)?.iter().find(|file| !known(file)) {
        return Err(format!("{stranger} is no kind of mail"));
    }
    let read = |name: &str| {
        let file = format!("{name}.txt");
        let text = fs::read_to_string(folder.join(&file));
        text.map_err(|error| format!("{file}: {error}"))
    };
    let problem = |name: &str| format!("{name}.txt ");
    let mut code = String::new();
    let words = parse_words(&read(WORDS)?, &BROWSER_WORDS);
    let words = words.map_err(|error| problem(WORDS) + &error)?;
    for ((name, _), word) in BROWSER_WORDS.iter().zip(words) {
        let _ = writeln!(code, "{name}: {word:?},");
    }
    for kind in Kind::ALL {
        let name = kind.name();
        let placeholders = kind.placeholders().iter().copied();
        let placeholders: Vec<_> = placeholders.map(Placeholder::name).collect();
        let text = TextFile::parse(&read(name)?, &placeholders);
        let TextFile {
            subject,
            paragraphs,
        } = text.map_err(|error| problem(name) + &error)?;
        let _ = writeln!(
            code,
            "{name}: Text {{ subject: {subject:?}, paragraphs: &{paragraphs:?} }},"
        );
    }
    Ok(code)
}

/// What is in a folder, in order, but for hidden files.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error| format!("{}: {error}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
