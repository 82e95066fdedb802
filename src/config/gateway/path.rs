//! How servers may read a path: what is refused because two of them could read it as two.

/// How many times over a path may be percent-encoded.
const ENCODINGS: usize = 3;

/// Whether a server may take `reading` for a path under `prefix`: in any case, and, as some
/// frameworks do, without a format at the end, `/book/admin.json` for `/book/admin/`.
pub(super) fn is_read_under(reading: &str, prefix: &str) -> bool {
    let names = prefix.trim_end_matches('/');
    let Some((start, rest)) = reading.split_at_checked(names.len()) else {
        return false;
    };
    let is_format = || rest.starts_with('.') && !rest.trim_end_matches('/').contains('/');
    start.eq_ignore_ascii_case(names) && (rest.starts_with('/') || is_format())
}

/// A path as the most obliging server reads it, with a slash at its end; `None` if servers may
/// disagree on its segments.
pub(super) fn reading(path: &str, fold: fn(&str) -> String) -> Option<String> {
    // What is missing here, URL parsers rewrite or cut off.
    let is_kept = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>?\\^`{}".contains(&byte);
    if !path.bytes().all(is_kept) {
        return None;
    }
    let mut segments = path.strip_prefix('/')?.split('/').peekable();
    let mut reading = "/".to_owned();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_none() {
            break;
        }
        reading.push_str(&name(segment, fold)?);
        reading.push('/');
    }
    Some(reading)
}

/// What a segment says once it is decoded and folded, without what follows the name: parameters,
/// or a stream of an NTFS file.
fn name(segment: &str, fold: fn(&str) -> String) -> Option<String> {
    let (mut text, is_malformed) = decode(segment)?;
    if is_malformed {
        return None;
    }
    for _ in 0..ENCODINGS {
        if !text.is_ascii() {
            text = fold(&text);
        }
        if text.contains(|c: char| matches!(c, '/' | '\\') || c.is_control()) {
            return None;
        }
        let name = text.split([';', '?', '#', ':']).next()?;
        // A `+` is a space where a form is expected.
        let name = name.trim_matches('+');
        if name.is_empty() || is_shortened(name) || is_shortened(&text) {
            return None;
        }
        if !text.contains('%') {
            return Some(name.to_owned());
        }
        let (again, _) = decode(&text)?;
        if again == text {
            return Some(name.to_owned());
        }
        text = again;
    }
    None
}

/// Whether some servers take a name without a part of it: Windows without the dots and spaces at
/// its end, others without white space round it. Of `.` and `..` nothing is left.
pub(super) fn is_shortened(name: &str) -> bool {
    name.ends_with('.') || name.trim() != name
}

/// Decodes percent escapes once, and says whether there was a `%` that starts none. `None` if that
/// gives no UTF-8: an overlong `/` is none.
fn decode(text: &str) -> Option<(String, bool)> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    let mut is_malformed = false;
    while let Some(byte) = bytes.next() {
        let mut digits = bytes.clone();
        let mut digit = || char::from(digits.next()?).to_digit(16);
        let escaped = match (byte, digit(), digit()) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        match escaped {
            Some(escaped) => {
                decoded.push(escaped);
                bytes = digits;
            }
            None => {
                decoded.push(byte);
                is_malformed |= byte == b'%';
            }
        }
    }
    Some((String::from_utf8(decoded).ok()?, is_malformed))
}
