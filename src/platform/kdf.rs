//! Key derivation by the fastest engine that production lets run.

use js_sys::{Array, JsString, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::HostError;
use super::calls::settled;
use edge_auth_core::password::{Derivation, DerivedKey, Engine, Function, Pbkdf2Hash};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = deriveBits, catch)]
    fn derive_bits(algorithm: &Object, key: &JsValue, bits: u32) -> Result<Promise, JsValue>;
}

/// Derives the key of `password`.
///
/// # Errors
/// The engine refused or failed.
pub async fn derive(derivation: &Derivation, password: &[u8]) -> Result<DerivedKey, HostError> {
    match (derivation.engine(), derivation.function) {
        (Engine::WebCrypto, Function::Pbkdf2 { hash, iterations }) => {
            web_crypto(derivation, hash, iterations, password).await
        }
        _ => derivation
            .run(password)
            .map_err(|error| HostError::new(format_args!("{error:?}"))),
    }
}

/// PBKDF2 by WebCrypto (W3C Web Cryptography API, section 33), with the salt and output length of
/// `derivation`.
///
/// # Errors
/// WebCrypto refused or failed.
pub async fn web_crypto(
    derivation: &Derivation,
    hash: Pbkdf2Hash,
    iterations: u32,
    password: &[u8],
) -> Result<DerivedKey, HostError> {
    let hash = match hash {
        Pbkdf2Hash::Sha1 => "SHA-1",
        Pbkdf2Hash::Sha256 => "SHA-256",
        Pbkdf2Hash::Sha512 => "SHA-512",
    };
    let algorithm = Object::new();
    let salt = Uint8Array::from(derivation.salt.as_slice());
    for (key, value) in [
        ("name", JsValue::from("PBKDF2")),
        ("hash", JsValue::from(hash)),
        ("salt", JsValue::from(salt)),
        ("iterations", JsValue::from(iterations)),
    ] {
        Reflect::set(&algorithm, &JsString::from(key), &value)?;
    }
    let bits = u32::try_from(derivation.output_bytes * 8).map_err(HostError::new)?;

    let password = Uint8Array::from(password);
    let usages = Array::of1(&JsString::from("deriveBits"));
    let key = import_key("raw", &password, "PBKDF2", false, &usages)?;
    let key = settled(key).await?;
    // The copy on the other side of the boundary is wiped too.
    password.fill(0, 0, password.length());
    let derived = settled(derive_bits(&algorithm, &key, bits)?).await?;
    Ok(DerivedKey::new(Uint8Array::new(&derived).to_vec()))
}
