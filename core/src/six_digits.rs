//! Codes of six digits, as people type them.

/// Six ASCII digits, with white space anywhere between; `None` for anything else.
pub(crate) fn six_digits(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(7)
        .collect();
    let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(digits)
}
