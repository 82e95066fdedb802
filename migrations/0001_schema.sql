-- The first schema. A database that schema.sql made has all of this, so IF NOT EXISTS lets it through.

-- AUTOINCREMENT: the id of a deleted account never comes back, so an old token cannot name a new
-- account. Each UNIQUE column brings the index of the look-up by it.
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Lower case, null only for an imported account without one.
  email TEXT UNIQUE
    CHECK (length(email) BETWEEN 5 AND 254 AND email = lower(email)
      AND email NOT GLOB '*[^!-~]*' AND email GLOB '?*@?*.?*' AND email NOT GLOB '*@*@*'),
  -- As its owner wrote it, and folded for comparison.
  username TEXT CHECK (length(username) BETWEEN 3 AND 64 AND instr(username, '@') = 0),
  username_folded TEXT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- Goes into a header of /verify.
  role TEXT NOT NULL DEFAULT 'customer'
    CHECK (length(role) BETWEEN 1 AND 64 AND role NOT GLOB '*[^a-z0-9_-]*'),
  -- Never a password.
  password_hash TEXT NOT NULL
    CHECK (length(password_hash) BETWEEN 20 AND 512 AND instr(password_hash, '$') > 0),
  disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  -- One more ends every session and every access token that says less.
  epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  -- The SHA-256 of the hash with which the account was imported, as base64url: the same line, imported
  -- once more, is known for what it is even after the hash was replaced.
  imported_hash_digest TEXT CHECK (length(imported_hash_digest) = 43),
  -- Unix time in seconds: ends every token of the old service, which has no epoch, up to then.
  tokens_valid_after INTEGER,
  -- UTC, as in 2024-01-15T10:30:00.
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%S', 'now'))
    CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%S', created_at)),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%S', 'now'))
    CHECK (updated_at IS strftime('%Y-%m-%dT%H:%M:%S', updated_at)),
  CHECK (email IS NOT NULL OR username IS NOT NULL),
  CHECK ((username IS NULL) = (username_folded IS NULL))
) STRICT;

-- A refresh token is not stored: it is a keyed hash of its session and its number there.
CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY CHECK (length(id) = 43),
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- That of the account; the session is over once the account's is greater.
  epoch INTEGER NOT NULL CHECK (epoch >= 0),
  -- The number of the refresh token that is not spent.
  generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
  -- When the 16 before it were spent, the latest first, 13 digits each: Unix time in milliseconds.
  spent TEXT NOT NULL DEFAULT '',
  -- A token came back after it was spent.
  revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
  -- Unix time in milliseconds.
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  user_agent TEXT CHECK (length(user_agent) <= 256)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id, created_at);

-- Failed sign-ins, and where right ones came from. A key says what is counted:
--   pair <name> <address>    one name from one address
--   address <address>        one address, over all names
--   user <id> <everywhere>   an account, over all addresses
--   user <id> <address>      an account from one address, which may be familiar to it
--   name <name> …            the same as the last two for a name that no account has
-- Names, addresses and <everywhere> are keyed hashes under one secret, so all keys change with it. Times
-- are Unix time in milliseconds.
CREATE TABLE IF NOT EXISTS attempts (
  key TEXT PRIMARY KEY,
  failures INTEGER NOT NULL CHECK (failures >= 0),
  -- When the last failure was counted.
  counted_at INTEGER NOT NULL,
  -- No further try before.
  closed_until INTEGER NOT NULL,
  -- When the failures no longer count.
  expires_at INTEGER NOT NULL,
  -- 31 days after a right password, a registration or a refresh, for an account from one address. Renewed
  -- once fewer than 30 are left.
  familiar_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who did what to which account. Never a name, an address of mail, a password or a token. It outlives the
-- accounts. Ids go with the time, which is what its purge needs.
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY,
  -- Unix time in milliseconds; of the first of several.
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  user_id INTEGER,
  actor_id INTEGER,
  address TEXT NOT NULL,
  user_agent TEXT CHECK (length(user_agent) <= 256),
  detail TEXT,
  -- How often it was done in this minute, where anybody can do it without signing in.
  count INTEGER NOT NULL DEFAULT 1 CHECK (count >= 1),
  -- Unix time in minutes, of such a row alone.
  minute INTEGER
) STRICT;

-- The row to which one more is added.
CREATE UNIQUE INDEX IF NOT EXISTS audit_by_minute ON audit (address, action, minute) WHERE minute IS NOT NULL;

-- How far the last purge of a table came, which the next one goes on from.
CREATE TABLE IF NOT EXISTS purges (
  table_name TEXT PRIMARY KEY,
  after_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts without a username have no entry.
CREATE UNIQUE INDEX IF NOT EXISTS users_by_username ON users (username_folded) WHERE username_folded IS NOT NULL;

-- Whether there is another admin.
CREATE INDEX IF NOT EXISTS users_admins ON users (role) WHERE role = 'admin';
