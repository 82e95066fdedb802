//! CBOR (RFC 8949) as CTAP2 allows it: definite lengths, no repeated key, no tag, little depth.

use minicbor::Decoder;
use minicbor::data::Type;

use super::InvalidPasskey;

/// The most entries of a map.
const MAX_ENTRIES: usize = 64;

/// How deep arrays and maps may lie in each other. Authenticators have four levels (CTAP 2.2 section
/// 8); attestation statements, which nothing reads, may add some.
const MAX_DEPTH: u32 = 8;

/// What names a value in a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    Integer(i128),
    Text(&'a str),
}

/// A value in a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Integer(i128),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Well-formed, and of another type.
    Other,
}

/// The entries of a map, of which each can be taken once.
#[derive(Debug)]
pub(super) struct Map<'a>(Vec<(Key<'a>, Item<'a>)>);

impl<'a> Map<'a> {
    /// Reads the map with which `input` begins. The second value is what comes after it.
    pub(super) fn first(input: &'a [u8]) -> Result<(Self, &'a [u8]), InvalidPasskey> {
        let mut decoder = Decoder::new(input);
        let entries = entries(&mut decoder, MAX_DEPTH).ok_or(InvalidPasskey::Cbor)?;
        let rest = input.get(decoder.position()..);
        Ok((Self(entries), rest.ok_or(InvalidPasskey::Cbor)?))
    }

    /// Reads a map after which nothing comes.
    pub(super) fn whole(input: &'a [u8]) -> Result<Self, InvalidPasskey> {
        match Self::first(input)? {
            (map, []) => Ok(map),
            _ => Err(InvalidPasskey::Cbor),
        }
    }

    pub(super) fn take(&mut self, key: Key<'_>) -> Option<Item<'a>> {
        let index = self.0.iter().position(|(found, _)| *found == key)?;
        Some(self.0.swap_remove(index).1)
    }

    /// Whether everything was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `None` for what is malformed, or longer or deeper than it may be.
fn entries<'a>(decoder: &mut Decoder<'a>, depth: u32) -> Option<Vec<(Key<'a>, Item<'a>)>> {
    let depth = depth.checked_sub(1)?;
    // Of an indefinite length there is no count.
    let count = decoder.map().ok()??;
    let mut entries = Vec::new();
    for _ in 0..count {
        let key = match item(decoder, depth)? {
            Item::Integer(number) => Key::Integer(number),
            Item::Text(text) => Key::Text(text),
            Item::Bytes(_) | Item::Other => return None,
        };
        let is_repeated = entries.iter().any(|(other, _)| *other == key);
        if is_repeated || entries.len() == MAX_ENTRIES {
            return None;
        }
        entries.push((key, item(decoder, depth)?));
    }
    Some(entries)
}

fn item<'a>(decoder: &mut Decoder<'a>, depth: u32) -> Option<Item<'a>> {
    match decoder.datatype().ok()? {
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64
        | Type::Int => Some(Item::Integer(decoder.int().ok()?.into())),
        Type::Bytes => Some(Item::Bytes(decoder.bytes().ok()?)),
        Type::String => Some(Item::Text(decoder.str().ok()?)),
        Type::Bool | Type::Null | Type::F16 | Type::F32 | Type::F64 => {
            decoder.skip().ok()?;
            Some(Item::Other)
        }
        Type::Array => {
            let depth = depth.checked_sub(1)?;
            for _ in 0..decoder.array().ok()?? {
                item(decoder, depth)?;
            }
            Some(Item::Other)
        }
        Type::Map => {
            entries(decoder, depth)?;
            Some(Item::Other)
        }
        Type::BytesIndef
        | Type::StringIndef
        | Type::ArrayIndef
        | Type::MapIndef
        | Type::Tag
        | Type::Undefined
        | Type::Simple
        | Type::Break
        | Type::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_map(hex: &str) -> bool {
        let bytes = base16ct::lower::decode_vec(hex.replace(' ', "")).unwrap();
        Map::whole(&bytes).is_ok()
    }

    #[test]
    fn maps_are_taken_apart() {
        let bytes = base16ct::lower::decode_vec("a4012063616263420102200303f5ff").unwrap();
        let (mut map, rest) = Map::first(&bytes).unwrap();
        assert_eq!(rest, [0xff]);
        let found = map.take(Key::Integer(1));
        assert_eq!(found, Some(Item::Integer(-1)));
        assert_eq!(map.take(Key::Integer(1)), None);
        let found = map.take(Key::Text("abc"));
        assert_eq!(found, Some(Item::Bytes(&[1, 2])));
        assert_eq!(map.take(Key::Integer(-1)), Some(Item::Integer(3)));
        assert!(!map.is_empty());
        assert_eq!(map.take(Key::Integer(3)), Some(Item::Other));
        assert!(map.is_empty());
    }

    #[test]
    fn what_is_well_formed_and_never_read_passes() {
        for hex in [
            "a0",
            "a1 01 80",
            "a1 01 a0",
            "a1 01 f6",
            "a1 01 f4",
            "a1 01 f93c00",
            "a1 01 fa3f800000",
            "a1 01 fb3ff0000000000000",
            "a1 01 1bffffffffffffffff",
            "a1 3bffffffffffffffff 01",
            "a1 01 83 01 41aa 61 62",
            // The key 1 in a longer form.
            "a1 1801 01",
            // Eight levels.
            "a1 01 81 81 81 81 81 81 80",
        ] {
            assert!(is_map(hex), "{hex}");
        }
    }

    #[test]
    fn what_is_not_well_formed_or_not_allowed_is_refused() {
        for hex in [
            "",
            "80",
            "01",
            "f6",
            "a1",
            "a1 01",
            "a2 01 01",
            "a0 00",
            "a1 01 01 00",
            // Lengths beyond the end, and beyond everything.
            "a1 01 42 01",
            "a1 01 62 61",
            "a1 01 82 01",
            "a1 01 5bffffffffffffffff 01",
            "a1 01 7bffffffffffffffff 61",
            "a1 01 9bffffffffffffffff 01",
            "bbffffffffffffffff 01 01",
            // Indefinite lengths.
            "bf ff",
            "bf 01 01 ff",
            "a1 01 5f 41 01 ff",
            "a1 01 7f 61 61 ff",
            "a1 01 9f ff",
            "a1 01 bf ff",
            "a1 5f 41 01 ff 01",
            // Repeated keys, in other forms and further down.
            "a2 01 01 01 02",
            "a2 01 01 1801 02",
            "a2 01 01 1b0000000000000001 02",
            "a2 61 61 01 7801 61 02",
            "a1 01 a2 01 01 01 01",
            "a1 01 81 a2 20 01 3800 01",
            // Keys of other types.
            "a1 41 01 01",
            "a1 f5 01",
            "a1 80 01",
            "a1 a0 01",
            // Tags, undefined, simple values, breaks, reserved forms, a text that is no UTF-8.
            "a1 01 c0 01",
            "a1 01 d9d9f7 01",
            "d9d9f7 a0",
            "a1 01 f7",
            "a1 01 e0",
            "a1 01 f8ff",
            "a1 01 f805",
            "a1 01 ff",
            "a1 01 1c",
            "a1 01 5c",
            "a1 01 fc",
            "a1 61 ff 01",
            "a1 01 61 ff",
            // Nine levels.
            "a1 01 81 81 81 81 81 81 81 80",
            "a1 01 a1 01 a1 01 a1 01 a1 01 a1 01 a1 01 a1 01 a0",
        ] {
            assert!(!is_map(hex), "{hex}");
        }
    }

    #[test]
    fn depth_and_count_have_their_limits() {
        for opening in [&[0x81][..], &[0xa1, 0x01], &[0x9f], &[0xbf, 0x01], &[0xc1]] {
            let bytes = [&[0xa1, 0x01][..], &opening.repeat(10_000), &[0x00]].concat();
            let refused = Map::whole(&bytes).map(|_| ());
            assert_eq!(refused, Err(InvalidPasskey::Cbor));
        }
        let map = |count: u8| {
            let entries = (0..count).flat_map(|key| [0x18, key, 0x00]);
            let bytes: Vec<u8> = [0xb8, count].into_iter().chain(entries).collect();
            Map::whole(&bytes).is_ok()
        };
        assert!(map(64));
        assert!(!map(65));
    }

    #[test]
    fn bytes_in_any_order_do_not_panic() {
        // A generator of its own (xorshift), so that each run has the same bytes.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..40)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state.to_be_bytes()[0]
                })
                .collect();
            let bytes = [&[0xa3][..], &bytes].concat();
            if let Ok((_, rest)) = Map::first(&bytes) {
                assert!(rest.len() < bytes.len());
            }
        }
    }
}
