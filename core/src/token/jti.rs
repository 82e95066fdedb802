//! The claim `jti`, in which the account's epoch travels.

use base64ct::{Base64UrlUnpadded, Encoding};

/// Random bytes of a `jti`.
pub(super) const RANDOM_BYTES: usize = 16;

/// A `jti` that carries the account's epoch: the claims are fixed (docs/api.md, "Access tokens").
pub(super) fn token_id(random: &[u8; RANDOM_BYTES], epoch: u64) -> String {
    format!("{}.{epoch}", Base64UrlUnpadded::encode_string(random))
}

/// The epoch of a `jti` in the form that [`token_id`] writes; `None` for any other.
pub(super) fn epoch_of(jti: &str) -> Option<u64> {
    let (random, epoch) = jti.split_once('.')?;
    let mut buffer = [0; RANDOM_BYTES];
    let random = Base64UrlUnpadded::decode(random, &mut buffer).ok()?;
    let is_decimal = epoch.bytes().all(|byte| byte.is_ascii_digit())
        && (epoch == "0" || !epoch.starts_with('0'));
    (random.len() == RANDOM_BYTES && is_decimal).then(|| epoch.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_is_read_from_our_jti_alone() {
        assert_eq!(epoch_of(&token_id(&[3; 16], 0)), Some(0));
        assert_eq!(epoch_of(&token_id(&[0xff; 16], u64::MAX)), Some(u64::MAX));
        let random = "AwMDAwMDAwMDAwMDAwMDAw";
        for epoch in ["0", "1", "10", "18446744073709551615"] {
            let jti = format!("{random}.{epoch}");
            assert_eq!(epoch_of(&jti), epoch.parse().ok(), "{jti}");
        }
        for epoch in [
            "",
            "00",
            "01",
            "-0",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "1.",
            "18446744073709551616",
            "١",
            "x",
        ] {
            assert_eq!(epoch_of(&format!("{random}.{epoch}")), None, "{epoch}");
        }
        for jti in [
            "",
            ".",
            ".1",
            random,
            "c0ffee.1",
            // A character less, one more, stray bits, padding, another alphabet.
            "AwMDAwMDAwMDAwMDAwMDA.1",
            "AwMDAwMDAwMDAwMDAwMDAwM.1",
            "AwMDAwMDAwMDAwMDAwMDAx.1",
            "AwMDAwMDAwMDAwMDAwMDAw==.1",
            "AwMDAwMDAwMDAwMDAwMD+/.1",
            "0b9dbd2c-8f0b-4c36-9d6e-0f6c1a5fd0aa",
        ] {
            assert_eq!(epoch_of(jti), None, "{jti}");
        }
    }
}
