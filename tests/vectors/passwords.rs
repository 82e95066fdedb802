//! PBKDF2 by every engine: by the crate, natively and in wasm, and by WebCrypto.

use edge_auth_core::password::{Derivation, Function, Pbkdf2Hash};
#[cfg(target_family = "wasm")]
use std::pin::pin;

#[cfg(target_family = "wasm")]
use edge_auth::platform::{calls, kdf};
#[cfg(target_family = "wasm")]
use js_sys::Promise;
#[cfg(target_family = "wasm")]
use wasm_bindgen::JsCast;
#[cfg(target_family = "wasm")]
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

struct Vector {
    hash: Pbkdf2Hash,
    password: &'static [u8],
    salt: &'static [u8],
    iterations: u32,
    key: &'static str,
}

impl Vector {
    fn key(&self) -> Vec<u8> {
        let digits: String = self.key.split_whitespace().collect();
        (0..digits.len())
            .step_by(2)
            .map(|start| u8::from_str_radix(digits.get(start..start + 2).unwrap(), 16).unwrap())
            .collect()
    }

    fn derivation(&self) -> Derivation {
        Derivation {
            function: Function::Pbkdf2 {
                hash: self.hash,
                iterations: self.iterations,
            },
            salt: self.salt.to_vec(),
            output_bytes: self.key().len(),
        }
    }
}

const VECTORS: &[Vector] = &[
    // RFC 7914 section 11.
    Vector {
        hash: Pbkdf2Hash::Sha256,
        password: b"passwd",
        salt: b"salt",
        iterations: 1,
        key: "55ac046e56e3089fec1691c22544b605 f94185216dde0465e68b9d57c20dacbc \
              49ca9cccf179b645991664b39d77ef31 7c71b845b1e30bd509112041d3a19783",
    },
    Vector {
        hash: Pbkdf2Hash::Sha256,
        password: b"Password",
        salt: b"NaCl",
        iterations: 80_000,
        key: "4ddcd8f60b98be21830cee5ef22701f9 641a4418d04c0414aeff08876b34ab56 \
              a1d425a1225833549adb841b51c9b317 6a272bdebba1d078478f62b397f33c8d",
    },
    // The inputs of RFC 6070, widely published with these hash functions.
    Vector {
        hash: Pbkdf2Hash::Sha256,
        password: b"password",
        salt: b"salt",
        iterations: 4096,
        key: "c5e478d59288c841aa530db6845c4c8d 962893a001ce4e11a4963873aa98134a",
    },
    Vector {
        hash: Pbkdf2Hash::Sha256,
        password: b"passwordPASSWORDpassword",
        salt: b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
        iterations: 4096,
        key: "348c89dbcbd32b2f32d814b8116e84cf 2b17347ebc1800181c4e2a1fb8dd53e1 \
              c635518c7dac47e9",
    },
    Vector {
        hash: Pbkdf2Hash::Sha256,
        password: b"pass\0word",
        salt: b"sa\0lt",
        iterations: 4096,
        key: "89b69d0516f829893c696226650a8687",
    },
    Vector {
        hash: Pbkdf2Hash::Sha512,
        password: b"password",
        salt: b"salt",
        iterations: 1,
        key: "867f70cf1ade02cff3752599a3a53dc4 af34c7a669815ae5d513554e1c8cf252 \
              c02d470a285a0501bad999bfe943c08f 050235d7d68b1da55e63f73b60a57fce",
    },
    Vector {
        hash: Pbkdf2Hash::Sha512,
        password: b"password",
        salt: b"salt",
        iterations: 4096,
        key: "d197b1b33db0143e018b12f3d1d1479e 6cdebdcc97c5c0f87f6902e072f457b5 \
              143f30602641b3d55cd335988cb36b84 376060ecd532e039b742a239434af2d5",
    },
    Vector {
        hash: Pbkdf2Hash::Sha512,
        password: b"passwordPASSWORDpassword",
        salt: b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
        iterations: 4096,
        key: "8c0511f4c6e597c6ac6315d8f0362e22 5f3c501495ba23b868c005174dc4ee71 \
              115b59f9e60cd9532fa33e0f75aefe30 225c583a186cd82bd4daea9724a3d3b8",
    },
];

#[wasm_bindgen_test(unsupported = test)]
fn the_crate_derives_the_published_keys() {
    for vector in VECTORS {
        let derived = vector.derivation().run(vector.password).unwrap();
        assert_eq!(derived.as_bytes(), vector.key(), "{}", vector.key);
    }
}

/// Drives what waits for the host, as scripts/entry.js does.
#[cfg(target_family = "wasm")]
pub(crate) async fn drive<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut settled = None;
    loop {
        match calls::step(future.as_mut(), settled.take()) {
            calls::Step::Done(value) => return value,
            calls::Step::Waits(promise) => {
                let promise = promise.unchecked_into::<Promise>();
                settled = Some(JsFuture::from(promise).await);
            }
        }
    }
}

#[cfg(target_family = "wasm")]
#[wasm_bindgen_test]
async fn web_crypto_derives_the_published_keys() {
    for vector in VECTORS {
        let derivation = vector.derivation();
        let (hash, iterations) = (vector.hash, vector.iterations);
        let derived = kdf::web_crypto(&derivation, hash, iterations, vector.password);
        let derived = drive(derived).await;
        assert_eq!(derived.unwrap().as_bytes(), vector.key(), "{}", vector.key);
    }
}

#[cfg(target_family = "wasm")]
#[wasm_bindgen_test]
async fn both_engines_agree_around_the_limit() {
    for hash in [Pbkdf2Hash::Sha256, Pbkdf2Hash::Sha512] {
        for iterations in [99_999, 100_000, 100_001] {
            let derivation = Derivation {
                function: Function::Pbkdf2 { hash, iterations },
                salt: vec![0x5a; 16],
                output_bytes: 32,
            };
            let password = "pässwörd".as_bytes();
            let native = drive(kdf::web_crypto(&derivation, hash, iterations, password)).await;
            let ours = derivation.run(password).unwrap();
            assert_eq!(native.unwrap().as_bytes(), ours.as_bytes(), "{iterations}");
        }
    }
}
