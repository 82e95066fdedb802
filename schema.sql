-- The whole schema, to read: what the files in migrations/ add up to. A test compares the two.
--
-- To change it, add a file there with the next number, such as 0002_last_sign_in.sql, with what turns the
-- present schema into the new one, and make the same change here. A new column is the last of its table.
--   A file that a database may have had is not edited any more.
--   The Worker of before runs on the new schema until the new one is deployed, so add and do not rename.
--   A table that others refer to is not dropped and made again: ON DELETE CASCADE would empty the others.
--   D1 splits the file into statements by itself: no semicolon and no apostrophe in a comment, no triggers.

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
  username_folded TEXT UNIQUE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- Goes into a header of /verify.
  role TEXT NOT NULL DEFAULT 'customer'
    CHECK (length(role) BETWEEN 1 AND 64 AND role NOT GLOB '*[^a-z0-9_-]*'),
  -- Never a password.
  password_hash TEXT NOT NULL
    CHECK (length(password_hash) BETWEEN 20 AND 512 AND instr(password_hash, '$') > 0),
  disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  -- One more ends every access token that says less and belongs to no session.
  epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
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
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 43),
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
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
) STRICT;

CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id);

-- Failed sign-ins, and where right ones came from. A key says what is counted: a `pair` of name and
-- address, an `address`, a `name` that no account has, a `user`. Names and addresses are keyed hashes.
-- Times are Unix time in milliseconds.
CREATE TABLE IF NOT EXISTS attempts (
  key TEXT PRIMARY KEY,
  failures INTEGER NOT NULL CHECK (failures >= 0),
  -- No further try before.
  closed_until INTEGER NOT NULL,
  -- When the failures are forgotten, those of a user by the next right password only.
  expires_at INTEGER NOT NULL,
  -- 30 days after the last right password, for a pair.
  familiar_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who did what to which account. Never a name, an address of mail, a password or a token. It outlives the
-- accounts.
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Unix time in milliseconds.
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  user_id INTEGER,
  actor_id INTEGER,
  address TEXT NOT NULL,
  user_agent TEXT,
  detail TEXT
) STRICT;

-- Whether there is another admin.
CREATE INDEX IF NOT EXISTS users_admins ON users (role) WHERE role = 'admin';
