//! The setting `PROTECTED`.

use edge_auth_core::account::Role;
use edge_auth_core::dialect::Dialect;
use edge_auth_core::json;
use edge_auth_core::proof::Requirement;
use edge_auth_core::time::Seconds;
use serde_json::{Map, Value};

use super::path::is_shortened;
use super::{Prefix, Prefixes, Upstream};

/// The first segments of the service's own routes, and of those to come beside them.
const OWN: [&str; 12] = [
    "account",
    "admin",
    "api",
    "auth",
    "healthz",
    "oauth2",
    "openapi.json",
    "sign-in",
    "sign-out",
    "sign-up",
    "verify",
    ".well-known",
];

impl Prefixes {
    /// Reads the setting: a JSON array of objects.
    ///
    /// # Errors
    /// What is wrong, worded to follow the setting's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = json::array(text.as_bytes()).ok_or("must be an array of tables")?;
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
}

/// Reads one entry of the setting.
fn entry_of(entry: Value) -> Result<Prefix, String> {
    let Value::Object(mut members) = entry else {
        return Err("must be a table".to_owned());
    };
    let prefix = required(&mut members, "prefix")?;
    check_prefix(&prefix)?;
    let upstream = upstream(required(&mut members, "upstream")?)?;
    let dialect = match required(&mut members, "dialect")?.as_str() {
        "JWT" => Dialect::FlaskJwt,
        "Bearer" => Dialect::JwtExtended,
        _ => return Err("dialect must be JWT or Bearer".to_owned()),
    };
    let role = match text(&mut members, "role")? {
        None => None,
        Some(name) => Some(Role::parse(&name).ok_or("role is not the name of a role")?),
    };
    let requirement = requirement(&mut members)?;
    let public_methods = match members.remove("public_methods") {
        None => Vec::new(),
        Some(methods) => {
            let wrong = "public_methods must be a list of methods in capital letters";
            methods_of(methods).ok_or(wrong)?
        }
    };
    let pass_authorization = match members.remove("pass_authorization") {
        None => false,
        Some(Value::Bool(passes)) => passes,
        Some(_) => return Err("pass_authorization must be true or false".to_owned()),
    };
    match members.keys().next() {
        None => Ok(Prefix {
            prefix,
            upstream,
            dialect,
            role,
            requirement,
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
        Some(_) => Err(format!("{member} must be a text")),
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
        "upstream must be the name of a service binding or an https:// origin \
         in lower case without a path"
            .to_owned(),
    )
}

/// Reads `amr` and `max_age`.
fn requirement(members: &mut Map<String, Value>) -> Result<Requirement, String> {
    let mut required = Requirement::default();
    if let Some(amr) = text(members, "amr")? {
        required = required.and_amr(&amr).ok_or("amr must be mfa")?;
    }
    if let Some(max_age) = members.remove("max_age") {
        let max_age = max_age.as_u64().map(Seconds);
        let with_age = max_age.and_then(|max_age| required.and_max_age(max_age));
        required = with_age.ok_or("max_age must be a positive whole number of seconds")?;
    }
    Ok(required)
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
