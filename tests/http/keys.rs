//! The keys of access tokens: what others verify with, a change of keys without a failed request, one algorithm a
//! key, old secrets, clocks that differ.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use futures_util::future::join_all;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::configuration::every_route_answers_500;
use crate::given::{self, Account, PASSWORD, SECRET};
use crate::support::{self, Answer, Server, Setting};

const ISSUER: &str = "edge-auth";
const REVOKED: &str = "Token has been revoked";
const ALGORITHM: &str = "The specified alg value is not allowed";
const SIGNATURE: &str = "Signature verification failed";

/// A secret, or the text of a private JWK.
struct Key {
    algorithm: &'static str,
    text: &'static str,
}

const HMAC: Key = Key {
    algorithm: "HS256",
    text: "forty-eight-characters-without-any-white-space-.",
};

const OTHER_HMAC: Key = Key {
    algorithm: "HS256",
    text: "forty-eight-other-characters-and-no-white-space.",
};

/// RFC 8037 appendix A.1.
const ED25519: Key = Key {
    algorithm: "EdDSA",
    text: r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
};

/// RFC 7515 appendix A.3.
const P256: Key = Key {
    algorithm: "ES256",
    text: r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#,
};

impl Key {
    fn is_secret(&self) -> bool {
        self.algorithm == "HS256"
    }

    fn jwk(&self) -> Value {
        serde_json::from_str(self.text).unwrap()
    }

    /// The `kid` of its tokens.
    async fn kid(&self) -> String {
        if self.is_secret() {
            let hash = support::hmac("sha256", self.text.as_bytes(), b"edge-auth kid");
            support::base64url(&hash[..16])
        } else {
            support::jose_thumbprint(&self.jwk()).await
        }
    }

    /// A token that others than the Worker sign.
    async fn sign(&self, header: &Value, claims: &Value) -> String {
        if self.is_secret() {
            sign_hmac(self.text.as_bytes(), header, claims)
        } else {
            support::jose_sign_by_jwk(header, claims, &self.jwk()).await
        }
    }
}

/// `JWT_SECRETS_RETIRED` and `JWT_KEYS_RETIRED`.
struct Retired {
    secrets: String,
    keys: String,
}

impl Retired {
    fn new(retired: &[&Key]) -> Self {
        let texts = |secret| {
            let chosen = retired.iter().filter(|key| key.is_secret() == secret);
            let texts: Vec<_> = chosen.map(|key| key.text).collect();
            texts.join("\n")
        };
        Self {
            secrets: texts(true),
            keys: texts(false),
        }
    }
}

/// The settings of these keys, and of a password's hash that costs little.
fn settings<'a>(active: &Key, retired: &'a Retired) -> Vec<Setting<'a>> {
    let secret = active.is_secret().then_some(active.text);
    let private = (!active.is_secret()).then_some(active.text);
    let unless_empty = |text: &'a String| Some(text.as_str()).filter(|text| !text.is_empty());
    let mut settings = CHEAP_PASSWORDS.to_vec();
    settings.extend([
        ("JWT_ALGORITHM", Some(active.algorithm)),
        ("JWT_SECRET", secret),
        ("JWT_PRIVATE_KEY", private),
        ("JWT_SECRETS_RETIRED", unless_empty(&retired.secrets)),
        ("JWT_KEYS_RETIRED", unless_empty(&retired.keys)),
    ]);
    settings
}

const CHEAP_PASSWORDS: [Setting<'static>; 2] = [
    ("PASSWORD_HASH", Some("argon2id")),
    ("SIGN_IN_FLOOR_MS", Some("100")),
];

/// Servers with these active and retired keys, on one database.
async fn start<const N: usize>(keys: [(&Key, &[&Key]); N]) -> Vec<Server> {
    let keys = keys.map(|(active, retired)| (active, Retired::new(retired)));
    let settings = keys
        .iter()
        .map(|(active, retired)| settings(active, retired));
    Server::start_sharing_database(&settings.collect::<Vec<_>>()).await
}

/// A token like the old Flask service's, but for the header.
fn sign_hmac(secret: &[u8], header: &Value, claims: &Value) -> String {
    let segment = |value: &Value| support::base64url(value.to_string().as_bytes());
    let message = format!("{}.{}", segment(header), segment(claims));
    let signature = support::hmac("sha256", secret, message.as_bytes());
    format!("{message}.{}", support::base64url(&signature))
}

/// A secret in the form of `JWT_KEYS_RETIRED`.
fn as_jwk(secret: &str) -> String {
    json!({ "kty": "oct", "k": support::base64url(secret.as_bytes()) }).to_string()
}

fn claims_of(id: u64) -> Value {
    json!({ "identity": id, "iat": given::now(), "exp": given::now() + 60 })
}

fn header_of(token: &str) -> Value {
    let header = Base64UrlUnpadded::decode_vec(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&header).unwrap()
}

async fn jwks(server: &Server) -> Value {
    let request = server.request("GET", "/.well-known/jwks.json");
    request.send().await.json()
}

async fn get(server: &Server, path: &str, authorization: &str) -> Answer {
    let request = server.request("GET", path);
    request.header("Authorization", authorization).send().await
}

/// Asks every kind of protected route with both schemes.
async fn answers(server: &Server, token: &str) -> Vec<(String, Answer)> {
    let paths = ["/api/auth/me", "/api/auth/sessions", "/verify"];
    let routes = paths
        .into_iter()
        .flat_map(|path| [(path, "Bearer"), (path, "JWT")]);
    let ask = async |(path, scheme): (&str, &str)| {
        let answer = get(server, path, &format!("{scheme} {token}")).await;
        (format!("{path}, {scheme}"), answer)
    };
    join_all(routes.map(ask)).await
}

async fn assert_good(server: &Server, token: &str, case: &str) {
    for (route, answer) in answers(server, token).await {
        assert_eq!(answer.status, 200, "{case}: {route}: {}", answer.text());
    }
}

/// Every protected route refuses the token in these words.
async fn assert_refused(server: &Server, token: &str, text: &str, case: &str) {
    for (route, answer) in answers(server, token).await {
        let body = answer.json();
        let member = if route == "/verify, JWT" {
            "description"
        } else {
            "msg"
        };
        assert_eq!(
            (answer.status, &body[member]),
            (401, &text.into()),
            "{case}: {route}"
        );
    }
}

/// An access token and a refresh token of one session.
struct Pair {
    access: String,
    refresh: String,
}

impl Pair {
    fn of(answer: &Answer, case: &str) -> Self {
        assert_eq!(answer.status, 200, "{case}: {}", answer.text());
        let body = answer.json();
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    /// Opens a session.
    async fn open(server: &Server, account: &Account) -> Self {
        let body = json!({
            "email": account.email, "password": PASSWORD, "scope": "offline_access",
        });
        let request = server.request("POST", "/api/auth/login").json(body);
        Self::of(&request.send().await, "login")
    }

    async fn refresh(&mut self, server: &Server, case: &str) {
        *self = Self::of(&refresh(server, &self.refresh).await, case);
    }
}

async fn refresh(server: &Server, token: &str) -> Answer {
    let request = server.request("POST", "/api/auth/refresh");
    request.json(json!({ "refresh_token": token })).send().await
}

#[wasm_bindgen_test]
async fn others_verify_by_the_key_set() {
    let keys: [(_, &[_]); 2] = [(&ED25519, &[&P256, &HMAC]), (&P256, &[&ED25519, &HMAC])];
    let servers = start(keys).await;
    for (server, (active, retired)) in servers.iter().zip(keys) {
        let account = Account::register(server).await;
        let token = &account.access_token;
        let set = jwks(server).await;
        let verified = support::jose_verify_by_jwks(token, &set, ISSUER, active.algorithm).await;
        let verified = verified.unwrap();
        assert_eq!(verified["payload"]["sub"], account.id.to_string());
        let header = json!({ "alg": active.algorithm, "kid": active.kid().await, "typ": "JWT" });
        assert_eq!(verified["header"], header);

        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2);
        for (jwk, key) in keys.iter().zip([active, retired[0]]) {
            assert_eq!(jwk["kid"], support::jose_thumbprint(jwk).await);
            // The public members, and nothing else.
            let mut expected = key.jwk();
            let members = expected.as_object_mut().unwrap();
            members.remove("d");
            members.insert("alg".into(), key.algorithm.into());
            members.insert("use".into(), "sig".into());
            members.insert("kid".into(), key.kid().await.into());
            assert_eq!(*jwk, expected);
        }

        let other_key = json!({ "keys": [keys[1]] });
        for (keys, issuer) in [(&other_key, ISSUER), (&set, "another")] {
            let verified = support::jose_verify_by_jwks(token, keys, issuer, active.algorithm);
            assert!(verified.await.is_err());
        }
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn the_key_set_shows_no_secret() {
    let retired = Retired {
        keys: as_jwk(SECRET),
        ..Retired::new(&[&OTHER_HMAC])
    };
    let settings = [settings(&HMAC, &retired), settings(&ED25519, &retired)];
    let servers = Server::start_sharing_database(&settings).await;
    let request = servers[0].request("GET", "/.well-known/jwks.json");
    let answer = request.send().await;
    assert_eq!((answer.status, answer.text()), (200, "{\"keys\":[]}\n"));

    let set = jwks(&servers[1]).await;
    let keys = set["keys"].as_array().unwrap();
    let kids: Vec<_> = keys.iter().map(|jwk| &jwk["kid"]).collect();
    assert_eq!(kids, [&ED25519.kid().await]);
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn the_key_set_is_public_and_cached() {
    let server = Server::shared().await;
    let path = "/.well-known/jwks.json";
    for method in ["GET", "HEAD"] {
        let answer = server.request(method, path).send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body.is_empty(), method == "HEAD");
        for (name, value) in [
            ("Cache-Control", "public, max-age=300"),
            ("Content-Type", "application/json"),
            ("X-Content-Type-Options", "nosniff"),
        ] {
            let all = answer.headers.all();
            let of_name: Vec<_> = all
                .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
                .collect();
            assert_eq!(of_name, [value], "{method} {name}");
        }
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = server.request(method, path).send().await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers.get("Allow").as_deref(), Some("GET, HEAD"));
        assert_eq!(
            answer.headers.get("Cache-Control").as_deref(),
            Some("no-store")
        );
    }
}

/// Servers at each stage of a change from `old` to `new`, on one database. A stage is reached from the one before
/// by settings that are changed one after another: the retired ones, then the active one. While one is rolled out,
/// both stages answer.
async fn stages<'a>(old: &'a Key, new: &'a Key) -> Vec<(&'a Key, Server)> {
    let stages: [(_, &[_]); 6] = [
        (old, &[]),
        (old, &[new]),
        (old, &[new, old]),
        (new, &[new, old]),
        (new, &[old]),
        (new, &[]),
    ];
    let servers = start(stages).await;
    stages
        .map(|(active, _)| active)
        .into_iter()
        .zip(servers)
        .collect()
}

async fn no_request_fails_while_keys_change(old: &Key, new: &Key) {
    let stages = stages(old, new).await;
    let account = Account::register(&stages[0].1).await;
    tokens_are_good_one_stage_on_and_one_back(&stages, &account).await;
    sessions_go_on(&stages, &account).await;
    join_all((0..3).map(|_| traffic(&stages, &account))).await;
    the_old_key_is_good_until_it_is_dropped(&stages, &account).await;
    stages[0].1.clone().stop().await;
}

async fn tokens_are_good_one_stage_on_and_one_back(stages: &[(&Key, Server)], account: &Account) {
    for (i, (active, issuer)) in stages.iter().enumerate() {
        let answer = given::sign_in(issuer, &account.email, PASSWORD).await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let header = json!({ "alg": active.algorithm, "kid": active.kid().await, "typ": "JWT" });
        assert_eq!(header_of(&token), header, "stage {i}");
        let session = Pair::open(issuer, account).await;
        for (j, (_, server)) in stages.iter().enumerate() {
            if i.abs_diff(j) > 1 {
                continue;
            }
            let case = format!("of stage {i} at stage {j}");
            assert_good(server, &token, &case).await;
            assert_good(server, &session.access, &case).await;
            if !active.is_secret() {
                // Who verifies alone may still have the key set of the stage before.
                let set = jwks(server).await;
                let verified = support::jose_verify_by_jwks(&token, &set, ISSUER, active.algorithm);
                verified.await.expect(&case);
            }
        }
    }
}

/// Refresh tokens of each stage are good at the next, and the reverse.
async fn sessions_go_on(stages: &[(&Key, Server)], account: &Account) {
    let mut session = Pair::open(&stages[0].1, account).await;
    for (i, pair) in stages.windows(2).enumerate() {
        for (_, server) in [&pair[0], &pair[1], &pair[0], &pair[1]] {
            let case = format!("refresh between stages {i} and {}", i + 1);
            session.refresh(server, &case).await;
        }
    }
    assert_good(&stages[5].1, &session.access, "refreshed to the end").await;
}

/// A client whose requests are answered by old and new settings by turns.
async fn traffic(stages: &[(&Key, Server)], account: &Account) {
    let mut session = Pair::open(&stages[0].1, account).await;
    for (i, pair) in stages.windows(2).enumerate() {
        let mut next = [0, 0, 1, 0, 1, 1].into_iter().cycle();
        for _ in 0..4 {
            for path in ["/api/auth/me", "/verify", "/api/auth/sessions"] {
                let (_, server) = &pair[next.next().unwrap()];
                let answer = get(server, path, &format!("Bearer {}", session.access)).await;
                assert_eq!(
                    answer.status,
                    200,
                    "{path} from stage {i}: {}",
                    answer.text()
                );
            }
            let (_, server) = &pair[next.next().unwrap()];
            session
                .refresh(server, &format!("refresh from stage {i}"))
                .await;
        }
    }
}

async fn the_old_key_is_good_until_it_is_dropped(stages: &[(&Key, Server)], account: &Account) {
    let mut session = Pair::open(&stages[0].1, account).await;
    let left = Pair::open(&stages[0].1, account).await;
    for (i, (_, server)) in stages[..5].iter().enumerate() {
        let case = format!("of the old key at stage {i}");
        for token in [&account.access_token, &session.access] {
            assert_good(server, token, &case).await;
        }
    }
    let (old, new) = (stages[0].0, stages[5].0);
    let text = if old.algorithm == new.algorithm {
        SIGNATURE
    } else {
        ALGORITHM
    };
    let (_, dropped) = &stages[5];
    for token in [&account.access_token, &session.access] {
        assert_refused(dropped, token, text, "the old key dropped").await;
    }
    // A session that saw the new key goes on; one that did not is over.
    session.refresh(&stages[4].1, "the old key retired").await;
    session.refresh(dropped, "the old key dropped").await;
    assert_good(dropped, &session.access, "the old key dropped").await;
    let answer = refresh(dropped, &left.refresh).await;
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({ "msg": REVOKED }))
    );
}

#[wasm_bindgen_test]
async fn from_hs256_to_eddsa() {
    no_request_fails_while_keys_change(&HMAC, &ED25519).await;
}

#[wasm_bindgen_test]
async fn from_eddsa_to_es256() {
    no_request_fails_while_keys_change(&ED25519, &P256).await;
}

#[wasm_bindgen_test]
async fn from_hs256_to_hs256() {
    no_request_fails_while_keys_change(&HMAC, &OTHER_HMAC).await;
}

/// A public key says nothing that the secret of refresh tokens could follow from.
#[wasm_bindgen_test]
async fn a_public_key_verifies_access_tokens_alone() {
    let mut public = ED25519.jwk();
    public.as_object_mut().unwrap().remove("d");
    let none = Retired::new(&[]);
    let listed = Retired {
        keys: public.to_string(),
        ..Retired::new(&[])
    };
    let servers =
        Server::start_sharing_database(&[settings(&ED25519, &none), settings(&HMAC, &listed)])
            .await;
    let account = Account::register(&servers[0]).await;
    let mut session = Pair::open(&servers[0], &account).await;
    assert_good(&servers[1], &session.access, "a public key").await;
    let answer = refresh(&servers[1], &session.refresh).await;
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({ "msg": REVOKED }))
    );
    session.refresh(&servers[0], "the private key").await;
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn public_keys_are_no_secrets() {
    // With and without a key of HMAC that might have signed.
    let keys: [(_, &[_]); 4] = [
        (&ED25519, &[]),
        (&ED25519, &[&HMAC]),
        (&P256, &[]),
        (&P256, &[&HMAC]),
    ];
    let servers = start(keys).await;
    let account = Account::register(&servers[0]).await;
    let claims = claims_of(account.id);
    for (server, (_, retired)) in servers.iter().zip(keys) {
        let text = if retired.is_empty() {
            ALGORITHM
        } else {
            SIGNATURE
        };
        let set = server.request("GET", "/.well-known/jwks.json").send().await;
        let jwk = &set.json()["keys"][0];
        for secret in public_forms(jwk, set.text()) {
            for (header, text) in [
                (json!({ "alg": "HS256", "typ": "JWT" }), text),
                (json!({ "alg": "HS256", "kid": "unknown" }), text),
                (json!({ "alg": "HS256", "kid": jwk["kid"] }), ALGORITHM),
            ] {
                let token = sign_hmac(&secret, &header, &claims);
                assert_refused(server, &token, text, &header.to_string()).await;
            }
        }
    }
    servers[0].clone().stop().await;
}

/// What an attacker might take for the secret (RFC 8725 section 2.1).
fn public_forms(jwk: &Value, set: &str) -> Vec<Vec<u8>> {
    let x = jwk["x"].as_str().unwrap();
    let x_octets = Base64UrlUnpadded::decode_vec(x).unwrap();
    // SubjectPublicKeyInfo (RFC 8410 section 4, RFC 5480 section 2).
    let (prefix, point) = match jwk["y"].as_str() {
        None => ("MCowBQYDK2VwAyEA", x_octets.clone()),
        Some(y) => (
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
            [x_octets.clone(), Base64UrlUnpadded::decode_vec(y).unwrap()].concat(),
        ),
    };
    let der = [Base64::decode_vec(prefix).unwrap(), point.clone()].concat();
    let lines: Vec<_> = Base64::encode_string(&der)
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap().to_owned())
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        lines.join("\n")
    );
    vec![
        x_octets,
        x.into(),
        point,
        jwk.to_string().into(),
        set.into(),
        set.trim_end().into(),
        der,
        pem.clone().into(),
        format!("{pem}\n").into(),
        jwk["kid"].as_str().unwrap().into(),
        Vec::new(),
    ]
}

#[wasm_bindgen_test]
async fn a_kid_does_not_lend_another_key_s_algorithm() {
    let all = [&HMAC, &ED25519, &P256];
    let servers = start(all.map(|active| (active, &all[..]))).await;
    let account = Account::register(&servers[0]).await;
    let claims = claims_of(account.id);
    for server in &servers {
        for key in all {
            let own = json!({ "alg": key.algorithm, "kid": key.kid().await });
            let unnamed = json!({ "alg": key.algorithm });
            let unknown = json!({ "alg": key.algorithm, "kid": "unknown" });
            for header in [own, unnamed, unknown] {
                let token = key.sign(&header, &claims).await;
                assert_good(server, &token, &header.to_string()).await;
            }
            for other in all {
                if other.algorithm == key.algorithm {
                    continue;
                }
                let header = json!({ "alg": key.algorithm, "kid": other.kid().await });
                let token = key.sign(&header, &claims).await;
                assert_refused(server, &token, ALGORITHM, &header.to_string()).await;
            }
            for none in ["none", "None", "NONE", "nOnE", ""] {
                let header = json!({ "alg": none, "kid": key.kid().await });
                let token = sign_hmac(b"", &header, &claims);
                let message = token.rsplit_once('.').unwrap().0;
                for token in [&token, &format!("{message}.")] {
                    assert_refused(server, token, ALGORITHM, none).await;
                }
            }
        }
    }
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn two_keys_of_one_algorithm_do_not_lend_their_kid() {
    let servers = start([(&HMAC, &[&OTHER_HMAC])]).await;
    let server = &servers[0];
    let account = Account::register(server).await;
    let header = json!({ "alg": "HS256", "kid": OTHER_HMAC.kid().await });
    let token = HMAC.sign(&header, &claims_of(account.id)).await;
    assert_refused(server, &token, SIGNATURE, "another's kid").await;
    let token = OTHER_HMAC.sign(&header, &claims_of(account.id)).await;
    assert_good(server, &token, "its own kid").await;
    server.clone().stop().await;
}

/// The old Flask service's tokens have no `kid`.
#[wasm_bindgen_test]
async fn tokens_of_the_old_service_stay_good() {
    let server = Server::shared().await;
    let account = Account::register(&server).await;
    let token = given::signed(&claims_of(account.id));
    assert_eq!(header_of(&token), json!({ "alg": "HS256", "typ": "JWT" }));
    assert_good(&server, &token, "the active secret").await;

    // One with spaces in it, whose words are no secrets, and one as a JWK.
    let listed = Retired {
        secrets: SECRET.to_owned(),
        ..Retired::new(&[])
    };
    let as_jwk = Retired {
        keys: as_jwk(HMAC.text),
        ..Retired::new(&[])
    };
    let mut settings = [settings(&ED25519, &listed), settings(&ED25519, &as_jwk)];
    for settings in &mut settings {
        settings.push(("JWT_ACCEPT_FORGEABLE_TOKENS", Some("true")));
    }
    let servers = Server::start_sharing_database(&settings).await;
    let account = Account::register(&servers[0]).await;
    let claims = claims_of(account.id);
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let retired = [SECRET, HMAC.text];
    for (i, server) in servers.iter().enumerate() {
        let token = sign_hmac(retired[i].as_bytes(), &header, &claims);
        assert_good(server, &token, "a retired secret").await;
        let token = sign_hmac(retired[1 - i].as_bytes(), &header, &claims);
        assert_refused(server, &token, SIGNATURE, "no secret of ours").await;
    }
    let word = SECRET.split(' ').next().unwrap();
    let token = sign_hmac(word.as_bytes(), &header, &claims);
    assert_refused(&servers[0], &token, SIGNATURE, "a word of a secret").await;
    servers[0].clone().stop().await;
}

#[wasm_bindgen_test]
async fn a_weak_secret_is_refused_at_the_start() {
    let as_jwk = as_jwk("secret");
    let refused = "has a secret shorter than 32 bytes, with which tokens can be forged";
    for (setting, value, accept) in [
        ("JWT_SECRETS_RETIRED", "secret", None),
        ("JWT_KEYS_RETIRED", &as_jwk, Some("false")),
    ] {
        let settings = [
            (setting, Some(value)),
            ("JWT_ACCEPT_FORGEABLE_TOKENS", accept),
        ];
        every_route_answers_500(&settings, &format!("{setting} {refused}")).await;
    }
    // The active one has to be strong whatever the old service's was.
    let settings = [
        ("JWT_SECRET", Some("secret")),
        ("JWT_ACCEPT_FORGEABLE_TOKENS", Some("true")),
    ];
    every_route_answers_500(&settings, "JWT_SECRET is shorter").await;
}

#[wasm_bindgen_test]
async fn a_weak_secret_verifies_tokens_without_a_kid_alone() {
    let listed = Retired {
        secrets: "secret".to_owned(),
        ..Retired::new(&[])
    };
    let as_jwk = Retired {
        keys: as_jwk("secret"),
        ..Retired::new(&[])
    };
    let keys = [(&HMAC, &listed), (&ED25519, &listed), (&ED25519, &as_jwk)];
    let settings = keys.map(|(active, retired)| {
        let mut settings = settings(active, retired);
        settings.push(("JWT_ACCEPT_FORGEABLE_TOKENS", Some("true")));
        settings
    });
    let servers = Server::start_sharing_database(&settings).await;
    for (server, (active, _)) in servers.iter().zip(keys) {
        let account = Account::register(server).await;
        let claims = claims_of(account.id);
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let token = sign_hmac(b"secret", &header, &claims);
        assert_good(server, &token, "no kid").await;
        let kid = support::hmac("sha256", b"secret", b"edge-auth kid");
        for kid in [
            "",
            "x",
            &active.kid().await,
            &support::base64url(&kid[..16]),
        ] {
            let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
            let token = sign_hmac(b"secret", &header, &claims);
            let text = if active.is_secret() {
                SIGNATURE
            } else {
                ALGORITHM
            };
            assert_refused(server, &token, text, kid).await;
        }
        let token = sign_hmac(b"secrets", &header, &claims);
        assert_refused(server, &token, SIGNATURE, "another secret").await;
        assert_good(server, &account.access_token, "the active key").await;
    }
    servers[0].clone().stop().await;
}

/// Sets the clock to the beginning of that second.
fn set_time(server: &Server, seconds: u64) {
    server.set_clock(seconds as f64 * 1000.0 - js_sys::Date::now());
}

#[wasm_bindgen_test]
async fn clocks_may_differ_by_ten_seconds() {
    let server = Server::start_with_clock(&CHEAP_PASSWORDS).await;
    let account = Account::register(&server).await;
    let now = given::now() + 60;
    let asked = async |claims: &Value| {
        let mut all = json!({ "sub": account.id.to_string(), "exp": now + 60 });
        let members = all.as_object_mut().unwrap();
        members.extend(claims.as_object().unwrap().clone());
        set_time(&server, now);
        let authorization = format!("Bearer {}", given::signed(&all));
        get(&server, "/api/auth/me", &authorization).await
    };
    for claims in [
        json!({ "iat": now + 10 }),
        json!({ "nbf": now + 10 }),
        json!({ "exp": now + 1 }),
    ] {
        let answer = asked(&claims).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.text());
    }
    for (claims, text) in [
        (
            json!({ "iat": now + 11 }),
            "The token is not yet valid (iat)",
        ),
        (
            json!({ "nbf": now + 11 }),
            "The token is not yet valid (nbf)",
        ),
        // No leeway.
        (json!({ "exp": now }), "Token has expired"),
        (json!({ "exp": now - 1 }), "Token has expired"),
    ] {
        let answer = asked(&claims).await;
        let expected = (401, json!({ "msg": text }));
        assert_eq!((answer.status, answer.json()), expected, "{claims}");
    }

    // A token of ours, of a clock that is ahead.
    for (ahead, status) in [(10, 200), (11, 401)] {
        set_time(&server, now + ahead);
        let account = Account::register(&server).await;
        for path in ["/api/auth/me", "/api/auth/sessions", "/verify"] {
            set_time(&server, now);
            let answer = get(&server, path, &account.bearer()).await;
            assert_eq!(answer.status, status, "{path}: {ahead} s");
        }
    }
    server.stop().await;
}

#[wasm_bindgen_test]
async fn made_keys_start_a_server() {
    for (algorithm, setting) in [
        ("HS256", "JWT_SECRET"),
        ("EdDSA", "JWT_PRIVATE_KEY"),
        ("ES256", "JWT_PRIVATE_KEY"),
    ] {
        let key = support::make_key(algorithm);
        assert_ne!(key, support::make_key(algorithm));
        let mut settings = CHEAP_PASSWORDS.to_vec();
        settings.extend([
            ("JWT_SECRET", None),
            ("JWT_ALGORITHM", Some(algorithm)),
            (setting, Some(&key)),
        ]);
        let server = Server::start(&settings).await;
        let account = Account::register(&server).await;
        let token = &account.access_token;
        assert_good(&server, token, algorithm).await;
        let set = jwks(&server).await;
        if algorithm == "HS256" {
            support::jose_verify(token, &key).await.unwrap();
            assert_eq!(set, json!({ "keys": [] }));
        } else {
            let verified = support::jose_verify_by_jwks(token, &set, ISSUER, algorithm).await;
            assert_eq!(verified.unwrap()["payload"]["identity"], account.id);
        }
        server.stop().await;
    }
}
