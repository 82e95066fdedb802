//! JSON that all readers understand in the same way.
//!
//! A repeated name is refused at every depth: readers disagree on which member counts, and the
//! names of a JWT's claims must be unique (RFC 7519 section 4).

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a text is not the JSON object that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAnObject {
    /// The text is not JSON (RFC 8259) in UTF-8, repeats a name, or nests deeper than 128 levels.
    NotJson,
    /// The text is JSON of another type.
    OtherType,
}

/// Reads `text` as one JSON object.
///
/// # Errors
/// [`NotAnObject`] says why it is none.
pub fn object(text: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    an_object(serde_json::from_slice(text))
}

/// Reads `text` as JSON objects one after another, with or without white space between.
pub fn objects(text: &str) -> impl Iterator<Item = Result<Map<String, Value>, NotAnObject>> {
    let deserializer = serde_json::Deserializer::from_slice(text.as_bytes());
    deserializer.into_iter().map(an_object)
}

/// Reads `text` as one JSON array.
#[must_use]
pub fn array(text: &[u8]) -> Option<Vec<Value>> {
    match serde_json::from_slice(text) {
        Ok(UniqueNames(Value::Array(items))) => Some(items),
        _ => None,
    }
}

fn an_object(read: serde_json::Result<UniqueNames>) -> Result<Map<String, Value>, NotAnObject> {
    match read {
        Ok(UniqueNames(Value::Object(map))) => Ok(map),
        Ok(_) => Err(NotAnObject::OtherType),
        Err(_) => Err(NotAnObject::NotJson),
    }
}

/// Takes the member `name` out of `map`; null counts as absent (docs/api.md, "Access tokens").
pub fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    map.remove(name).filter(|value| !value.is_null())
}

/// A [`Value`] in which no object repeats a name.
struct UniqueNames(Value);

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(UniqueNames(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, UniqueNames(value))) = entries.next_entry::<String, _>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("repeated name"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_type() {
        let text = br#"{"a":null,"b":[true,-1,1.5,18446744073709551615],"c":{"d":"e\u0041"}}"#;
        let expected: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(Value::Object(object(text).unwrap()), expected);
    }

    #[test]
    fn refuses_repeated_names_at_every_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"\u0062":2}]}"#,
        ] {
            assert_eq!(object(text.as_bytes()), Err(NotAnObject::NotJson), "{text}");
        }
    }

    #[test]
    fn tells_other_types_from_other_texts() {
        for text in ["null", "[]", "\"a\"", "1", "true"] {
            assert_eq!(
                object(text.as_bytes()),
                Err(NotAnObject::OtherType),
                "{text}"
            );
        }
        for text in [
            "",
            " ",
            "{",
            "{}x",
            "{\"a\":NaN}",
            "{\"a\":1e999}",
            "{'a':1}",
            "\u{feff}{}",
        ] {
            assert_eq!(object(text.as_bytes()), Err(NotAnObject::NotJson), "{text}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(NotAnObject::NotJson));
        assert_eq!(object(b"{\"a\":\"\\ud800\"}"), Err(NotAnObject::NotJson));
    }

    #[test]
    fn reads_objects_one_after_another() {
        let read = |text| objects(text).collect::<Result<Vec<_>, _>>();
        assert_eq!(read(" \n").unwrap().len(), 0);
        for text in [r#"{"a":1}{"b":2}"#, " {\"a\":1}\r\n\t{\"b\":2}\n"] {
            let all = read(text).unwrap();
            assert_eq!((&all[0]["a"], &all[1]["b"]), (&1.into(), &2.into()));
        }
        assert_eq!(read("{}[]"), Err(NotAnObject::OtherType));
        for text in ["{},{}", "{}x", "{}{", r#"{}{"a":1,"a":1}"#] {
            assert_eq!(read(text), Err(NotAnObject::NotJson), "{text}");
        }
    }

    #[test]
    fn refuses_deep_nesting_without_overflowing_the_stack() {
        let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        assert_eq!(object(deep.as_bytes()), Err(NotAnObject::NotJson));
        let open = "[".repeat(10_000);
        assert_eq!(object(open.as_bytes()), Err(NotAnObject::NotJson));
    }

    #[test]
    fn null_counts_as_absent() {
        let mut map = object(br#"{"a":null,"b":1}"#).unwrap();
        assert_eq!(take(&mut map, "a"), None);
        assert_eq!(take(&mut map, "b"), Some(Value::from(1)));
        assert_eq!(take(&mut map, "b"), None);
    }
}
