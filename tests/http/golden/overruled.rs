//! Where the Worker answers otherwise than the old libraries, and what of a recording is left out.

use serde_json::{Value, json};

/// The challenge of the first dialect.
pub(super) const JWT: &str = "JWT realm=\"Login Required\"";
/// The challenge of the second dialect.
pub(super) const BEARER: &str = "Bearer";

/// What a client must see.
#[derive(Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) status: u16,
    /// Null where the body is empty.
    pub(super) body: Value,
    pub(super) challenge: Option<&'static str>,
    pub(super) allow: Option<&'static str>,
    /// The headers of `/verify`, where the recording shows its sample application's view.
    pub(super) user_id: Option<&'static str>,
}

pub(super) fn answer(status: u16, body: Value) -> Expected {
    Expected {
        status,
        body,
        challenge: None,
        allow: None,
        user_id: None,
    }
}

/// A problem with the request to `/auth`.
pub(super) fn message(status: u16, text: &str) -> Expected {
    answer(status, json!({ "message": text }))
}

/// A problem with another request.
pub(super) fn error(status: u16, text: &str) -> Expected {
    answer(status, json!({ "error": text }))
}

/// A token problem in the first dialect.
pub(super) fn refused(error: &str, description: &str) -> Expected {
    let body = json!({ "description": description, "error": error, "status_code": 401 });
    Expected {
        challenge: Some(JWT),
        ..answer(401, body)
    }
}

/// A token problem in the second dialect.
pub(super) fn msg(text: &str) -> Expected {
    Expected {
        challenge: Some(BEARER),
        ..answer(401, json!({ "msg": text }))
    }
}

pub(super) fn verified() -> Expected {
    Expected {
        user_id: Some("1"),
        ..answer(200, json!({}))
    }
}

pub(super) fn token() -> Expected {
    answer(200, json!({ "access_token": "<access token>" }))
}

pub(super) fn john() -> Value {
    json!({
        "created_at": "2024-01-15T10:30:00",
        "email": "john@example.com",
        "id": 1,
        "name": "John Doe",
        "role": "customer",
        "updated_at": "2024-01-15T10:30:00",
    })
}

pub(super) fn me() -> Expected {
    answer(200, json!({ "user": john() }))
}

/// The contract's answer where it overrules a recording of Flask-JWT's.
pub(super) fn flask_jwt_overruled(case: &str) -> Option<Expected> {
    let missing = "Missing Authorization Header";
    let scheme = "Missing 'Bearer' type in 'Authorization' header. \
                  Expected 'Authorization: Bearer <JWT>'";
    let no_user = || refused("Invalid JWT", "User does not exist");
    let invalid = |description| refused("Invalid token", description);
    Some(match case {
        // "a field absent": 400, as the document has it.
        "auth: password missing"
        | "auth: username missing"
        | "auth: empty object"
        | "auth: wrong key name" => message(400, "Bad request"),
        // "Extra keys are ignored."
        "auth: extra key" => token(),
        // "a duplicate key is malformed".
        "auth: duplicate key, last right" => message(400, "Bad request"),
        // "a value null, empty or no string".
        "auth: username array"
        | "auth: password number, user known"
        | "auth: password array, user known" => message(401, "Invalid credentials"),
        // "malformed JSON": NaN is no number (RFC 8259 section 6), and half a surrogate pair no
        // character.
        "auth: username NaN" | "auth: lone surrogate escape" => message(400, "Bad request"),
        // "not an object", "wrong Content-Type", "no body".
        "auth: JSON null"
        | "auth: JSON array"
        | "auth: JSON empty array"
        | "auth: JSON string"
        | "auth: JSON number"
        | "auth: JSON true"
        | "auth: no content type"
        | "auth: no content type, no body"
        | "auth: text/plain"
        | "auth: form"
        | "auth: application/jsonp"
        | "auth: malformed JSON as text/plain"
        | "auth: credentials in the query only" => message(400, "Bad request"),
        // Without either scheme `/verify` answers in the second dialect.
        "protected: no header"
        | "protected: empty header"
        | "protected: white space header"
        | "protected: token in the query string"
        | "protected: OPTIONS no header" => msg(missing),
        "protected: HEAD no header" => Expected {
            body: Value::Null,
            ..msg(missing)
        },
        "protected: Basic" | "protected: token without prefix" => msg(scheme),
        "protected: Bearer alone" => {
            msg("Bad Authorization header. Expected 'Authorization: Bearer <JWT>'")
        }
        // "every protected route takes both schemes", "also as one of several in a
        // comma-separated header, whose empty elements are skipped".
        "protected: Bearer <good>"
        | "protected: comma joined"
        | "protected: signature with , appended" => verified(),
        // "Segments are strict base64url without padding or stray bits": of the quoted token the
        // first segment is none already.
        "protected: quoted" => invalid("Invalid header padding"),
        "protected: signature padded with ="
        | "protected: signature with !!!! appended"
        | "protected: last signature character, unused bits changed" => {
            invalid("Invalid crypto padding")
        }
        // "`exp` required, a number, in the future, no leeway".
        "protected: exp at the leeway (now-10)" => invalid("Signature has expired"),
        "protected: exp a digit string" | "protected: exp an array" | "protected: exp Infinity" => {
            invalid("Expiration Time claim (exp) must be an integer.")
        }
        // "`nbf` and `iat` optional, numbers".
        "protected: missing iat" | "protected: missing nbf" => verified(),
        "protected: iat an object" => invalid("Issued At claim (iat) must be an integer."),
        // "`aud` not looked at".
        "protected: aud present"
        | "protected: aud empty string"
        | "protected: aud null"
        | "protected: aud array"
        | "protected: aud array with a number" => verified(),
        // "no `crit`"; "`kid`, if present, a string"; "`iss`, if present, ours".
        "protected: crit header" => invalid("Unsupported critical extension: x"),
        "protected: kid a number" => invalid("Key ID header parameter must be a string"),
        "protected: iss, sub, jti, extra claims" => invalid("Invalid issuer"),
        // "else from `identity` (an integer)".
        "protected: no identity claim"
        | "protected: identity as a string"
        | "protected: identity true"
        | "protected: identity an array" => no_user(),
        // "`/verify`, any method".
        "protected: POST good" => verified(),
        _ => return None,
    })
}

/// The contract's answer where it overrules a recording of Flask-JWT-Extended's.
pub(super) fn jwt_extended_overruled(case: &str) -> Option<Expected> {
    Some(match case {
        // Passwords may have up to 1,024 bytes.
        "register: password of 73 bytes" => {
            let mut user = john();
            for (key, value) in [
                ("id", json!(2)),
                ("email", json!("a@b.c")),
                ("name", json!("n")),
                ("created_at", json!("<iso datetime>")),
                ("updated_at", json!("<iso datetime>")),
            ] {
                user[key] = value;
            }
            let message = "User registered successfully";
            answer(
                201,
                json!({ "access_token": "<access token>", "message": message, "user": user }),
            )
        }
        // "a value that is no string: 400 naming the field".
        "login: password number, user known" => error(400, "password must be a string"),
        // "JSON that is no object".
        "login: JSON null" | "login: JSON array" | "login: JSON string" => {
            error(400, "Request body must be a JSON object")
        }
        // "both schemes, in any case of letters", "empty elements are skipped".
        "me: lower case bearer <good>" | "me: JWT <good>" | "me: empty field between commas" => {
            me()
        }
        // "strict base64url".
        "me: signature padded with =" => msg("Invalid crypto padding"),
        // "`exp` required, a number".
        "me: no exp" | "me: exp null" => msg("Missing claim: exp"),
        "me: exp a digit string" => msg("Expiration Time claim (exp) must be an integer."),
        // "`type` absent or `access`".
        "me: type other" => msg("Only non-refresh tokens are allowed"),
        // "A claim … that is null counts as absent."
        "me: jti null" => me(),
        "me: sub null" => msg("Missing claim: sub"),
        // The sample application's own list of revoked tokens.
        "me: revoked" => me(),
        // "Refresh JWTs of the old service are not accepted."
        "refresh: good refresh token" => msg("Token has been revoked"),
        _ => return None,
    })
}

/// Cases that no request here can repeat, with the reason.
pub(super) fn left_out(case: &str) -> Option<&'static str> {
    match case {
        "token shape: refresh token" | "token shape: fresh access token" => {
            Some("made by a call of the library, not by a request")
        }
        _ if case.starts_with("fresh: ") || case.starts_with("optional: ") => {
            Some("a route of the recording's own")
        }
        _ => None,
    }
}
