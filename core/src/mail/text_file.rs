//! The files of `texts/`: what they look like, and what is wrong with one. docs/mail.md, "Languages".

// The build script reads this file too, and nothing else does but the tests.

use std::collections::BTreeSet;

/// The subject and the paragraphs of a text, placeholders and all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TextFile {
    /// The first line.
    pub(crate) subject: String,
    /// What follows; an empty line parts one paragraph from the next.
    pub(crate) paragraphs: Vec<String>,
}

impl TextFile {
    /// Reads a file, in which each of `placeholders` has to occur, and no other. The subject may have
    /// `site` alone: what it says can be read on a locked screen.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str, placeholders: &[&str]) -> Result<Self, String> {
        let text = text.replace("\r\n", "\n");
        if let Some(control) = text.chars().find(|c| c.is_control() && *c != '\n') {
            return Err(format!("has a control character, {control:?}"));
        }
        let (subject, body) = text.split_once('\n').unwrap_or((&text, ""));
        let subject = subject.trim();
        if subject.is_empty() {
            return Err("has no subject in its first line".to_owned());
        }
        let paragraphs = body.split("\n\n").map(str::trim);
        let paragraphs = paragraphs.filter(|paragraph| !paragraph.is_empty());
        let paragraphs: Vec<_> = paragraphs.map(str::to_owned).collect();
        for name in names(subject)? {
            if name != "site" {
                return Err(format!("has {{{name}}} in its subject"));
            }
        }
        let mut used = BTreeSet::new();
        for paragraph in &paragraphs {
            used.extend(names(paragraph)?);
        }
        if let Some(unknown) = used.iter().find(|name| !placeholders.contains(name)) {
            return Err(format!("has {{{unknown}}}, which such a mail does not"));
        }
        if let Some(missing) = placeholders.iter().find(|name| !used.contains(*name)) {
            return Err(format!("lacks {{{missing}}}"));
        }
        Ok(Self {
            subject: subject.to_owned(),
            paragraphs,
        })
    }
}

/// Reads a file of words: lines of a name, `=` and a text. Each of `words`, a name and its placeholders,
/// has to occur, and no other. They come back in the order of `words`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_words(text: &str, words: &[(&str, &[&str])]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, word) = line.split_once('=').ok_or("has a line without =")?;
        found.push((name.trim(), word.trim()));
    }
    for (name, _) in &found {
        if !words.iter().any(|(word, _)| word == name) {
            return Err(format!("has {name}, which is no word"));
        }
    }
    let in_order = words.iter().map(|(word, placeholders)| {
        let mut texts = found.iter().filter(|(name, _)| name == word);
        let (Some((_, text)), None) = (texts.next(), texts.next()) else {
            return Err(format!("must have {word} once"));
        };
        let used = names(text)?;
        if text.is_empty() || used != placeholders.iter().copied().collect() {
            return Err(format!("must have {placeholders:?} in {word}"));
        }
        Ok((*text).to_owned())
    });
    in_order.collect()
}

/// The names in braces.
fn names(text: &str) -> Result<BTreeSet<&str>, String> {
    let mut names = BTreeSet::new();
    let mut parts = text.split('{');
    let before = parts.next().unwrap_or_default();
    let mut outside = vec![before];
    for part in parts {
        let (name, after) = part.split_once('}').ok_or("has a { without its }")?;
        names.insert(name);
        outside.push(after);
    }
    if outside.iter().any(|text| text.contains('}')) {
        return Err("has a } without its {".to_owned());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        TextFile::parse(text, &["site", "link"]).unwrap_err()
    }

    #[test]
    fn a_text_is_a_subject_and_paragraphs() {
        let text = "Hello from {site}\r\n\r\nOne,\r\ntwo at {site}.\r\n\r\n\r\n\r\n{link}\r\n";
        let read = TextFile::parse(text, &["site", "link"]).unwrap();
        assert_eq!(read.subject, "Hello from {site}");
        assert_eq!(read.paragraphs, ["One,\ntwo at {site}.", "{link}"]);
    }

    #[test]
    fn what_is_wrong_with_a_text_is_named() {
        for (text, expected) in [
            ("", "has no subject in its first line"),
            ("\nA {site} {link}", "has no subject in its first line"),
            ("A\n\n{site}", "lacks {link}"),
            ("A {site}\n\n{link}", "lacks {site}"),
            ("A {link}\n\n{site} {link}", "has {link} in its subject"),
            (
                "A\n\n{site} {link} {name}",
                "has {name}, which such a mail does not",
            ),
            (
                "A\n\n{site} {link} {Link}",
                "has {Link}, which such a mail does not",
            ),
            ("A\n\n{site} {link", "has a { without its }"),
            ("A\n\n{site} link}", "has a } without its {"),
            ("A\n\n{site}\t{link}", "has a control character, '\\t'"),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
    }

    #[test]
    fn words_come_in_order() {
        let words: [(&str, &[&str]); 2] = [("on", &["a", "b"]), ("none", &[])];
        let read = |text| parse_words(text, &words);
        let both = read("none = nothing\n\non = {b} on {a}\n").unwrap();
        assert_eq!(both, ["{b} on {a}", "nothing"]);
        for (text, expected) in [
            ("on = {a} {b}", "must have none once"),
            ("on = {a} {b}\nnone = a\nnone = b", "must have none once"),
            ("on = {a}\nnone = a", "must have [\"a\", \"b\"] in on"),
            ("on = {a} {b}\nnone =", "must have [] in none"),
            (
                "on = {a} {b}\nnone = a\nmore = b",
                "has more, which is no word",
            ),
            ("on", "has a line without ="),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
    }
}
