-- What a sign-in by two factors keeps between them.

-- Who has shown the first factor of an account that asks for two. Each is good for five tries.
CREATE TABLE IF NOT EXISTS tickets (
  -- The SHA-256 of the ticket, as base64url.
  digest TEXT PRIMARY KEY CHECK (length(digest) = 43),
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- That of the account; the ticket is void once the account's is greater.
  epoch INTEGER NOT NULL CHECK (epoch >= 0),
  -- By what the first factor was shown (RFC 8176).
  method TEXT NOT NULL CHECK (length(method) BETWEEN 2 AND 64),
  -- The passkey that it was, which is not the second one too.
  credential_id TEXT,
  -- Whether a refresh token was asked for.
  offline_access INTEGER NOT NULL CHECK (offline_access IN (0, 1)),
  tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
  -- Unix time in milliseconds.
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS tickets_by_user ON tickets (user_id);

-- Challenges of passkeys that were answered, each of which is good once.
CREATE TABLE IF NOT EXISTS answered_challenges (
  -- The SHA-256 of the challenge, as base64url.
  digest TEXT PRIMARY KEY CHECK (length(digest) = 43),
  -- Unix time in milliseconds: it is refused by its age from then on.
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How the authenticator of a passkey can be reached, as a hint to browsers: names with spaces between.
ALTER TABLE passkeys ADD COLUMN transports TEXT NOT NULL DEFAULT '' CHECK (length(transports) <= 300);
