//! `PROTECTED`: which paths go on to another service, who may ask for them, and which spellings of
//! a path are refused because that service could read them as another one.

use serde_json::{Map, Value};

use edge_auth_core::account::is_role;
use edge_auth_core::dialect::Dialect;
use edge_auth_core::json;

/// The first segments of the service's own routes, and of those to come beside them.
const OWN: [&str; 11] = [
    "account",
    "admin",
    "api",
    "auth",
    "healthz",
    "oauth2",
    "openapi.json",
    "sign-in",
    "sign-up",
    "verify",
    ".well-known",
];

/// How many times over a path may be percent-encoded.
const ENCODINGS: usize = 3;

/// Where requests under a prefix go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// A service binding of `wrangler.toml`, by its name.
    Binding(String),
    /// An `https://` origin, without a slash at its end.
    Origin(String),
}

/// A prefix whose requests need a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The prefix, which starts and ends with `/`.
    pub prefix: String,
    /// Where its requests go.
    pub upstream: Upstream,
    /// Words the 401 where neither scheme was sent.
    pub dialect: Dialect,
    /// The role that an account needs, if it needs a certain one.
    pub role: Option<String>,
    /// Methods that need no token.
    pub public_methods: Vec<String>,
    /// Whether the upstream is sent the client's `Authorization`.
    pub pass_authorization: bool,
}

/// Where a path lies.
#[derive(Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Under no prefix.
    Outside,
    /// Under this one.
    Under(&'a Prefix),
    /// Under a prefix, in a spelling that two servers could read as two paths.
    Ambiguous,
}

/// Every protected prefix, the longest first.
#[derive(Debug, Default)]
pub struct Prefixes(Vec<Prefix>);

impl Prefixes {
    /// Reads the setting: a JSON array of objects.
    ///
    /// # Errors
    /// What is wrong, worded to follow the setting's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = json::array(text.as_bytes()).ok_or("is no array of tables")?;
        let mut prefixes: Vec<Prefix> = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let wrong = |problem| format!("entry {}: {problem}", index + 1);
            let prefix = entry_of(entry).map_err(wrong)?;
            let is_same = |other: &Prefix| other.prefix.eq_ignore_ascii_case(&prefix.prefix);
            if prefixes.iter().any(is_same) {
                return Err(wrong("prefix is listed before".to_owned()));
            }
            let is_longer = |other: &Prefix| other.prefix.len() > prefix.prefix.len();
            let at = prefixes.partition_point(is_longer);
            prefixes.insert(at, prefix);
        }
        Ok(Self(prefixes))
    }

    /// The longest prefix that `path`, as the client sent it, is under.
    ///
    /// A path counts only if every way to read it leads to one place: an upstream may decode it,
    /// more than once, drop what follows a `;`, fold its characters, take a format from the end of
    /// its last name or add a slash to it, and by none of that may it come out under a longer
    /// prefix, or under none.
    ///
    /// `fold` makes one text of all that a server could take for the same: letters of any case,
    /// width or font, with or without marks and invisible characters. It is asked about texts that
    /// are not ASCII alone, and may leave the case of ASCII as it is.
    #[must_use]
    pub fn place(&self, path: &str, fold: fn(&str) -> String) -> Place<'_> {
        let mut prefixes = self.0.iter();
        let Some(prefix) = prefixes.find(|entry| path.starts_with(&entry.prefix)) else {
            return Place::Outside;
        };
        let read = reading(path, fold).and_then(|reading| {
            let mut prefixes = self.0.iter();
            prefixes.find(|entry| is_read_under(&reading, &entry.prefix))
        });
        if read == Some(prefix) {
            Place::Under(prefix)
        } else {
            Place::Ambiguous
        }
    }
}

/// Whether a server may take `reading` for a path under `prefix`: in any case, and, as some
/// frameworks do, without a format at the end, `/book/admin.json` for `/book/admin/`.
fn is_read_under(reading: &str, prefix: &str) -> bool {
    let names = prefix.trim_end_matches('/');
    let Some((start, rest)) = reading.split_at_checked(names.len()) else {
        return false;
    };
    let is_format = || rest.starts_with('.') && !rest.trim_end_matches('/').contains('/');
    start.eq_ignore_ascii_case(names) && (rest.starts_with('/') || is_format())
}

/// A path as the most obliging server reads it, with a slash at its end; `None` if servers may
/// disagree on its segments.
fn reading(path: &str, fold: fn(&str) -> String) -> Option<String> {
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
fn is_shortened(name: &str) -> bool {
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

/// Reads one entry of the setting.
fn entry_of(entry: Value) -> Result<Prefix, String> {
    let Value::Object(mut members) = entry else {
        return Err("is no table".to_owned());
    };
    let prefix = required(&mut members, "prefix")?;
    check_prefix(&prefix)?;
    let upstream = upstream(required(&mut members, "upstream")?)?;
    let dialect = match required(&mut members, "dialect")?.as_str() {
        "JWT" => Dialect::FlaskJwt,
        "Bearer" => Dialect::JwtExtended,
        _ => return Err("dialect is neither JWT nor Bearer".to_owned()),
    };
    let role = text(&mut members, "role")?;
    if role.as_deref().is_some_and(|role| !is_role(role)) {
        return Err("role is no name of a role".to_owned());
    }
    let public_methods = match members.remove("public_methods") {
        None => Vec::new(),
        Some(methods) => {
            let wrong = "public_methods is no list of methods in capital letters";
            methods_of(methods).ok_or(wrong)?
        }
    };
    let pass_authorization = match members.remove("pass_authorization") {
        None => false,
        Some(Value::Bool(passes)) => passes,
        Some(_) => return Err("pass_authorization is neither true nor false".to_owned()),
    };
    match members.keys().next() {
        None => Ok(Prefix {
            prefix,
            upstream,
            dialect,
            role,
            public_methods,
            pass_authorization,
        }),
        Some(member) => Err(format!("{member} is unknown")),
    }
}

fn required(members: &mut Map<String, Value>, member: &str) -> Result<String, String> {
    text(members, member)?.ok_or_else(|| format!("{member} is missing"))
}

fn text(members: &mut Map<String, Value>, member: &str) -> Result<Option<String>, String> {
    match members.remove(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{member} is no text")),
    }
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    let inner = prefix
        .strip_prefix('/')
        .and_then(|inner| inner.strip_suffix('/'))
        .ok_or("prefix does not start and end with / and have a name between")?;
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    for segment in inner.split('/') {
        if segment.is_empty() || !segment.bytes().all(is_unreserved) {
            return Err("prefix has a segment that is not of letters, digits and -._~".to_owned());
        }
        // No path under it would count.
        if is_shortened(segment) {
            return Err("prefix has a segment that ends in a dot".to_owned());
        }
    }
    let first = inner.split('/').next().unwrap_or_default();
    if OWN.iter().any(|own| own.eq_ignore_ascii_case(first)) {
        return Err(format!("prefix covers routes of this service, /{first}"));
    }
    Ok(())
}

fn upstream(text: String) -> Result<Upstream, String> {
    let is_name = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_$".contains(&byte);
        !name.is_empty() && name.bytes().all(fits)
    };
    let is_host = |host: &str| {
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        !host.is_empty() && host.bytes().all(fits)
    };
    match text.strip_prefix("https://") {
        Some(authority) => {
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, port.parse::<u16>().is_ok_and(|port| port > 0)),
                None => (authority, true),
            };
            if is_host(host) && port {
                return Ok(Upstream::Origin(text));
            }
        }
        None if is_name(&text) => return Ok(Upstream::Binding(text)),
        None => {}
    }
    Err(
        "upstream is neither the name of a service binding nor an https:// origin \
         in small letters without a path"
            .to_owned(),
    )
}

fn methods_of(methods: Value) -> Option<Vec<String>> {
    let Value::Array(methods) = methods else {
        return None;
    };
    let methods = methods.into_iter().map(|method| match method {
        Value::String(method)
            if !method.is_empty()
                && method
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b"-_".contains(&b)) =>
        {
            Some(method)
        }
        _ => None,
    });
    methods.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::is_combining_mark;

    use super::*;

    fn entry(prefix: &str) -> Value {
        json!({ "prefix": prefix, "upstream": "BOOKS", "dialect": "JWT" })
    }

    fn with(member: &str, value: Value) -> Value {
        let mut entry = entry("/book/");
        entry[member] = value;
        json!([entry])
    }

    fn problem(setting: &Value) -> String {
        Prefixes::parse(&setting.to_string()).unwrap_err()
    }

    #[test]
    fn entries_are_taken() {
        let setting = json!([
            { "prefix": "/book/", "upstream": "BOOKS", "dialect": "JWT" },
            {
                "prefix": "/a-b/.c_~/", "upstream": "https://a-1.example.com:8443",
                "dialect": "Bearer", "role": "admin", "public_methods": ["GET", "M-SEARCH"],
                "pass_authorization": true,
            },
        ]);
        let Prefixes(prefixes) = Prefixes::parse(&setting.to_string()).unwrap();
        let expected = [
            Prefix {
                prefix: "/a-b/.c_~/".to_owned(),
                upstream: Upstream::Origin("https://a-1.example.com:8443".to_owned()),
                dialect: Dialect::JwtExtended,
                role: Some("admin".to_owned()),
                public_methods: vec!["GET".to_owned(), "M-SEARCH".to_owned()],
                pass_authorization: true,
            },
            Prefix {
                prefix: "/book/".to_owned(),
                upstream: Upstream::Binding("BOOKS".to_owned()),
                dialect: Dialect::FlaskJwt,
                role: None,
                public_methods: Vec::new(),
                pass_authorization: false,
            },
        ];
        assert_eq!(prefixes, expected);
        assert!(Prefixes::parse("[]").unwrap().0.is_empty());
    }

    #[test]
    fn wrong_entries_are_named() {
        for setting in ["", "x", "{}", "null", "[", "[] []", r#"[{"a":1,"a":1}]"#] {
            let problem = Prefixes::parse(setting).unwrap_err();
            assert_eq!(problem, "is no array of tables", "{setting}");
        }
        assert_eq!(problem(&json!([entry("/a/"), 1])), "entry 2: is no table");
        assert_eq!(problem(&json!([{}])), "entry 1: prefix is missing");
        let twice = json!([entry("/a/"), entry("/A/")]);
        assert_eq!(problem(&twice), "entry 2: prefix is listed before");
        for (member, value, expected) in [
            ("prefix", json!(1), "prefix is no text"),
            ("upstream", json!(null), "upstream is no text"),
            ("dialect", json!("jwt"), "dialect is neither JWT nor Bearer"),
            ("role", json!(["admin"]), "role is no text"),
            ("role", json!("Admin"), "role is no name of a role"),
            ("roles", json!("admin"), "roles is unknown"),
            (
                "pass_authorization",
                json!("true"),
                "pass_authorization is neither true nor false",
            ),
        ] {
            let problem = problem(&with(member, value));
            assert_eq!(problem, format!("entry 1: {expected}"));
        }
        for methods in [
            json!("GET"),
            json!([1]),
            json!(["get"]),
            json!([""]),
            json!(["A B"]),
        ] {
            let problem = problem(&with("public_methods", methods));
            assert!(
                problem.starts_with("entry 1: public_methods is no list"),
                "{problem}"
            );
        }
    }

    #[test]
    fn prefixes_are_plain_and_cover_no_own_route() {
        for prefix in ["", "/", "book/", "/book"] {
            let problem = problem(&with("prefix", json!(prefix)));
            assert!(problem.contains("does not start and end"), "{prefix}");
        }
        for prefix in [
            "//", "/a//b/", "/a/./", "/../a/", "/a b/", "/%61/", "/a;b/", "/ä/", "/a:b/", "/a*/",
            "/a./", "/.../", "/a/b./c/",
        ] {
            let problem = problem(&with("prefix", json!(prefix)));
            assert!(problem.contains("has a segment"), "{prefix}");
        }
        for prefix in [
            "/auth/",
            "/api/",
            "/api/books/",
            "/API/",
            "/verify/",
            "/.well-known/x/",
            "/healthz/",
            "/account/",
            "/Account/books/",
            "/admin/",
            "/sign-in/",
            "/SIGN-UP/",
            "/oauth2/token/",
            "/openapi.json/",
        ] {
            let problem = problem(&with("prefix", json!(prefix)));
            assert!(problem.contains("covers routes"), "{prefix}");
        }
        for prefix in [
            "/apis/",
            "/books/api/",
            "/books/admin/",
            "/authors/",
            "/accounts/",
            "/openapi/",
            "/.a/",
            "/a.b/",
        ] {
            Prefixes::parse(&with("prefix", json!(prefix)).to_string()).unwrap();
        }
    }

    #[test]
    fn upstreams_are_bindings_or_origins() {
        for upstream in [
            "",
            "BOOKS/",
            "A B",
            "http://example.com",
            "https://",
            "https://example.com/",
            "https://example.com/a",
            "https://a@example.com",
            "https://example.com:0",
            "https://example.com:65536",
            "https://example.com:",
            "https://example.com:1:2",
            "https://example.com?a",
            "https://example.com#a",
            "https://EXAMPLE.com",
            "https://ex%61mple.com",
            "HTTPS://example.com",
        ] {
            let problem = problem(&with("upstream", json!(upstream)));
            assert!(problem.contains("upstream is neither"), "{upstream}");
        }
    }

    fn places() -> Prefixes {
        let setting = json!([
            entry("/book/"),
            entry("/book/admin/"),
            entry("/book/Secret/"),
            entry("/book/v1/"),
            entry("/book/v1.2/"),
            entry("/Paper/"),
        ]);
        Prefixes::parse(&setting.to_string()).unwrap()
    }

    /// As the host folds, but for the characters that it takes for ignorable.
    fn fold(text: &str) -> String {
        let bare = |text: &str| {
            let is_ignored = |c: char| {
                is_combining_mark(c) || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
            };
            let characters = text.nfkd().filter(|&c| !is_ignored(c));
            characters.collect::<String>()
        };
        bare(&bare(text).to_lowercase().to_uppercase().to_lowercase())
    }

    /// For paths of which no character needs it.
    fn no_fold(text: &str) -> String {
        panic!("asked to fold {text}")
    }

    #[test]
    fn the_longest_prefix_counts() {
        let places = places();
        let under = |path: &str| match places.place(path, no_fold) {
            Place::Under(prefix) => prefix.prefix.clone(),
            place => format!("{place:?}"),
        };
        for path in [
            "/book/",
            "/book/dune",
            "/book/dune/",
            "/book/a/b",
            "/book/%44une",
            "/book/a;b=c",
            "/book/100%25",
            "/book/a%20b",
            "/book/a..b",
            "/book/.a",
            "/book/...a",
            "/book/a.b/c.d",
            "/book/c++",
            "/book/administrator",
            "/book/admin-x",
            "/book/x/admin.json",
            "/book/admin.json/x",
            "/book/a:b",
            "/book/x/admin/",
            "/book/a:@!$&'()*+,=~|[]",
        ] {
            assert_eq!(under(path), "/book/", "{path}");
        }
        assert_eq!(under("/book/admin/"), "/book/admin/");
        assert_eq!(under("/book/admin/x"), "/book/admin/");
        assert_eq!(under("/Paper/x"), "/Paper/");
        assert_eq!(under("/Paper/.x"), "/Paper/");
        assert_eq!(under("/book/v1/x"), "/book/v1/");
        assert_eq!(under("/book/v1.2/x"), "/book/v1.2/");
        assert_eq!(under("/book/v1.2/"), "/book/v1.2/");
        for path in [
            "",
            "/",
            "/book",
            "/Book/x",
            "/boo%6b/x",
            "//book/x",
            "/paper/x",
            "/book.json",
            "/b%C3%B6ok/x",
        ] {
            assert_eq!(under(path), "Outside", "{path}");
        }
    }

    #[test]
    fn names_in_any_script_are_taken() {
        let places = places();
        for name in [
            "Dünensand",
            "Дюна",
            "砂丘",
            "デューン",
            "می‌شود",
            "ﾃﾞｭｰﾝ",
            "a\u{a0}b",
            "a…b",
            "Ⅳ",
            "admïnistrator",
        ] {
            let path = format!("/book/{}/x", encoded(name));
            let place = places.place(&path, fold);
            assert!(
                matches!(&place, Place::Under(Prefix { prefix, .. }) if prefix == "/book/"),
                "{name}: {place:?}"
            );
        }
    }

    /// A name that a client sends percent-encoded.
    fn encoded(name: &str) -> String {
        name.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    #[test]
    fn spellings_that_a_server_may_fold_are_refused() {
        let places = places();
        for name in [
            // White space and dots that some servers take off.
            "x.",
            "x..",
            "x ",
            " x",
            "x\u{a0}",
            "\u{3000}x",
            "x\u{2028}",
            "\u{1680}x",
            "...",
            " . ",
            "x;y.",
            "x ;y",
            ".;x",
            "+",
            "..+",
            "x.+",
            "+ x",
            ":x",
            // Characters that become others.
            "．．",
            "‥",
            "…",
            "a／b",
            "a＼b",
            "．",
            "x．",
            "；x",
            "％2e％2e",
            "a％2fb",
            "？",
            "＃",
            // Characters of which nothing is left.
            "\u{200b}",
            "\u{ad}",
            ".\u{200b}.",
            "x.\u{feff}",
            "\u{301}",
            // A longer prefix in other words.
            "admin.",
            "admin ",
            "admin\u{3000}",
            "admin+",
            "+admin",
            "admin:x",
            "admin::$INDEX_ALLOCATION",
            "ａｄｍｉｎ",
            "ＡDMIN",
            "𝐚dmin",
            "ⓐdmin",
            "admın",
            "admİn",
            "ádmin",
            "a\u{301}dmin",
            "ad\u{ad}min",
            "admin\u{200b}",
            "％61dmin",
            "％２561dmin",
            "ſecret",
            "ſECRET",
            "SECRE\u{200d}T",
        ] {
            for path in [
                format!("/book/{}", encoded(name)),
                format!("/book/{}/x", encoded(name)),
                format!("/book/{}/x", encoded(&encoded(name))),
            ] {
                assert_eq!(
                    places.place(&path, fold),
                    Place::Ambiguous,
                    "{name}: {path}"
                );
            }
        }
        for path in [
            "/book/admin.json",
            "/book/Admin.tar.gz/",
            "/book/secret%2ejson",
            "/book/admin.x;y",
        ] {
            assert_eq!(places.place(path, no_fold), Place::Ambiguous, "{path}");
        }
    }

    #[test]
    fn spellings_that_could_be_read_in_two_ways_are_refused() {
        let places = places();
        for path in [
            "/book//x",
            "/book/x//",
            "/book/./x",
            "/book/..",
            "/book/../admin",
            "/book/%2e%2e/admin",
            "/book/.%2E/admin",
            "/book/..%2fadmin",
            "/book/a%2Fb",
            "/book/a%5cb",
            "/book/a\\b",
            "/book/%252e%252e/x",
            "/book/a%25252fb",
            "/book/a%25%32fb",
            "/book/%25252525",
            "/book/..;/x",
            "/book/..;a=b/x",
            "/book/..%3b/x",
            "/book/;x",
            "/book/;/x",
            "/book/%3fx",
            "/book/..%23",
            "/book/%20/x",
            "/book/..%20/x",
            "/book/%00",
            "/book/x%00",
            "/book/x%0d%0a",
            "/book/%c0%af",
            "/book/%e0%80%af",
            "/book/%ff",
            "/book/%",
            "/book/%2",
            "/book/%zz",
            "/book/%u002f",
            "/book/a b",
            "/book/<x>",
            "/book/{x}",
            // A longer prefix in other words.
            "/book/admin",
            "/book/%61dmin/x",
            "/book/%2561dmin/x",
            "/book/Admin/x",
            "/book/admin;a/x",
            "/book/admin%3fa/x",
        ] {
            assert_eq!(places.place(path, no_fold), Place::Ambiguous, "{path}");
        }
        assert_eq!(places.place("/book/ü", fold), Place::Ambiguous);
    }
}
