//! The page that says why a request is not answered as it asks.

use askama::Template;

use super::reply;
use super::texts::Texts;
use crate::http::refused::TooMany;
use crate::http::{Refused, Reply};

/// What a person is told of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The request is none that a page of ours makes.
    BadRequest,
    /// There is nothing at that path.
    NotFound,
    /// The body is too long.
    TooLarge,
    /// Wait so many minutes.
    TooMany(u64),
    /// What nobody can do anything about; the number by which the log has it.
    Unexpected(String),
}

impl Problem {
    /// What is told of `refused`.
    pub(crate) fn of(refused: &Refused) -> Self {
        match refused {
            Refused::NotFound => Self::NotFound,
            Refused::TooLarge => Self::TooLarge,
            Refused::TooMany(TooMany(seconds)) => Self::TooMany(seconds.0.div_ceil(60)),
            _ => Self::BadRequest,
        }
    }
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    texts: &'a Texts,
    title: &'a str,
    text: &'a str,
    number: Option<String>,
}

/// The page about `problem`.
pub(crate) fn page(texts: &Texts, status: u16, problem: &Problem) -> Reply {
    let waiting;
    let (title, text) = match problem {
        Problem::BadRequest => (texts.bad_request_title, texts.bad_request_text),
        Problem::NotFound => (texts.not_found_title, texts.not_found_text),
        Problem::TooLarge => (texts.too_large_title, texts.too_large_text),
        Problem::TooMany(minutes) => {
            waiting = texts
                .too_many_text
                .replace("{minutes}", &minutes.to_string());
            (texts.too_many_title, &*waiting)
        }
        Problem::Unexpected(_) => (texts.unexpected_title, texts.unexpected_text),
    };
    let number = match problem {
        Problem::Unexpected(number) => Some(texts.unexpected_number.replace("{number}", number)),
        _ => None,
    };
    let notice = Notice {
        texts,
        title,
        text,
        number,
    };
    reply(status, &notice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::texts::LANGUAGES;
    use crate::platform::http::Body;

    fn html(texts: &Texts, problem: &Problem) -> String {
        match page(texts, 400, problem).body {
            Body::Html(html) => html,
            body => panic!("{body:?}"),
        }
    }

    #[test]
    fn every_problem_in_every_language() {
        for texts in &LANGUAGES {
            for problem in [
                Problem::BadRequest,
                Problem::NotFound,
                Problem::TooLarge,
                Problem::TooMany(15),
                Problem::Unexpected("abc".to_owned()),
            ] {
                let html = html(texts, &problem);
                let lang = format!("<html lang=\"{}\">", texts.language);
                assert!(html.contains(&lang), "{html}");
                assert_eq!(html.matches("<h1>").count(), 1);
                let (_, content) = html.split_once("<main>").unwrap();
                assert!(!content.contains(['{', '}']), "{content}");
                assert_eq!(content.contains("15"), problem == Problem::TooMany(15));
                assert_eq!(
                    content.contains("abc"),
                    matches!(problem, Problem::Unexpected(_))
                );
            }
        }
    }

    #[test]
    fn what_is_not_ours_is_escaped() {
        let problem = Problem::Unexpected("<script>'\"&".to_owned());
        let html = html(&LANGUAGES[0], &problem);
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("&#60;script&#62;&#39;&#34;&#38;"), "{html}");
    }
}
