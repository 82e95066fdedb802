-- The whole schema, to read: what the files in migrations/ add up to. A test compares the two.
-- Nothing was released before 0001 was as it is. It does not change a database that an earlier checkout
-- made: delete that one.
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
  -- Version 4 (RFC 9562), for the dialect whose clients know accounts by it. No secret.
  uuid TEXT NOT NULL UNIQUE
    DEFAULT (lower(printf('%s-%s-4%s-%s%s-%s', hex(randomblob(4)), hex(randomblob(2)),
      substr(hex(randomblob(2)), 2), substr('89ab', 1 + (random() & 3), 1),
      substr(hex(randomblob(2)), 2), hex(randomblob(6)))))
    CHECK (uuid GLOB '????????-????-4???-[89ab]???-????????????'
      AND replace(uuid, '-', '') NOT GLOB '*[^0-9a-f]*'),
  -- Lower case, null only for an imported account without one.
  email TEXT UNIQUE
    CHECK (length(email) BETWEEN 5 AND 254 AND email = lower(email)
      AND email NOT GLOB '*[^!-~]*' AND email GLOB '?*@?*.?*' AND email NOT GLOB '*@*@*'),
  -- Unix time in milliseconds: when whoever reads mail to the address showed it. Null until then.
  email_verified_at INTEGER,
  -- As its owner wrote it, and folded for comparison.
  username TEXT CHECK (length(username) BETWEEN 3 AND 64 AND instr(username, '@') = 0),
  username_folded TEXT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- Goes into a header of /verify.
  role TEXT NOT NULL DEFAULT 'customer'
    CHECK (length(role) BETWEEN 1 AND 64 AND role NOT GLOB '*[^a-z0-9_-]*'),
  -- Never a password. Null where the account signs in by other ways alone.
  password_hash TEXT
    CHECK (length(password_hash) BETWEEN 20 AND 512 AND instr(password_hash, '$') > 0),
  disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  -- One more ends every session and every access token that says less.
  epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  -- The SHA-256 of the hash with which the account was imported, as base64url: the same line, imported
  -- once more, is known for what it is even after the hash was replaced.
  imported_hash_digest TEXT CHECK (length(imported_hash_digest) = 43),
  -- Unix time in seconds: ends every token of the old service, which has no epoch, up to then.
  tokens_valid_after INTEGER,
  -- A language of texts/, in which mail is written.
  language TEXT NOT NULL DEFAULT 'en' CHECK (length(language) BETWEEN 2 AND 35),
  -- The user handle of its passkeys (WebAuthn Level 3 section 5.4.3), the same for ever.
  user_handle BLOB NOT NULL DEFAULT (randomblob(64)) CHECK (length(user_handle) = 64),
  -- JSON objects: what the account itself may write, and what an administrator may.
  user_metadata TEXT NOT NULL DEFAULT '{}'
    CHECK (json_type(user_metadata) = 'object' AND length(user_metadata) <= 8192),
  app_metadata TEXT NOT NULL DEFAULT '{}'
    CHECK (json_type(app_metadata) = 'object' AND length(app_metadata) <= 2048),
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
  user_agent TEXT CHECK (length(user_agent) <= 256),
  -- The claim of its access tokens: Unix time in seconds of the last proof of who it is.
  auth_time INTEGER NOT NULL,
  -- By what that was shown (RFC 8176), with spaces between.
  amr TEXT NOT NULL CHECK (length(amr) BETWEEN 2 AND 64)
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

-- A provider that vouches for an account, and what it calls it there.
CREATE TABLE IF NOT EXISTS identities (
  issuer TEXT NOT NULL CHECK (length(issuer) BETWEEN 1 AND 512),
  subject TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- The address that it named, which need not be the account's.
  email TEXT,
  -- Unix time in milliseconds.
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS identities_by_user ON identities (user_id);

-- What was sent to an address to be shown: a link, and a code where somebody waits for one. Neither is
-- stored, since both are keyed hashes of id and kind. A row stays for a day at least, because the
-- limits count them. Times are Unix time in milliseconds.
CREATE TABLE IF NOT EXISTS challenges (
  -- 128 random bits as base64url.
  id TEXT PRIMARY KEY CHECK (length(id) = 22),
  kind TEXT NOT NULL CHECK (kind IN
    ('verification', 'reset', 'sign_in', 'email_change', 'email_revert', 'invitation')),
  -- A keyed hash of the address that it is sent to, whether or not there is an account.
  recipient_hash TEXT NOT NULL CHECK (length(recipient_hash) = 43),
  -- None for an address without an account that may use it.
  user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
  -- The account's address when it was asked for.
  email TEXT,
  -- What the address becomes.
  new_email TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  -- Wrong codes.
  tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
  -- A random text of the request that used it up, or void.
  spent_by TEXT,
  -- The SHA-256 of a link that an operator made, who has none of the keys, as base64url.
  link_digest TEXT CHECK (length(link_digest) = 43),
  -- Family and system of the browser that asked, out of a fixed list.
  browser TEXT NOT NULL CHECK (length(browser) <= 64)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS challenges_by_recipient ON challenges (recipient_hash, kind, created_at);

CREATE INDEX IF NOT EXISTS challenges_by_user ON challenges (user_id, kind, created_at);

-- Mail that is not sent yet, the one that is due next first. Times are Unix time in milliseconds.
CREATE TABLE IF NOT EXISTS outbox (
  -- When the cron trigger takes it, unless whoever wrote it has sent it by then.
  due_at INTEGER NOT NULL,
  -- 128 random bits as base64url, by which a provider knows it again.
  id TEXT NOT NULL CHECK (length(id) = 22),
  -- The name of its text.
  kind TEXT NOT NULL,
  user_id INTEGER,
  -- Whose link and code it carries.
  challenge_id TEXT,
  -- None for an address without an account: it has a row as any other, and is sent nothing.
  recipient TEXT,
  language TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- It is not sent any more.
  expires_at INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  browser TEXT NOT NULL,
  -- What else the text says.
  detail TEXT,
  PRIMARY KEY (due_at, id)
) STRICT, WITHOUT ROWID;

-- The secrets of one-time passwords (RFC 6238), encrypted. Times are Unix time in milliseconds.
CREATE TABLE IF NOT EXISTS totp (
  user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  -- Null until the first code was right.
  secret TEXT,
  -- One that takes its place once a code of it was right.
  new_secret TEXT,
  new_tries INTEGER NOT NULL DEFAULT 0,
  name TEXT,
  -- The step of the last code, which is good once.
  last_step INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  CHECK (secret IS NOT NULL OR new_secret IS NOT NULL)
) STRICT;

-- Keyed hashes of the codes that are left.
CREATE TABLE IF NOT EXISTS recovery_codes (
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  code_hash TEXT NOT NULL CHECK (length(code_hash) = 43),
  PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

-- Public keys of authenticators (WebAuthn Level 3). Times are Unix time in milliseconds.
CREATE TABLE IF NOT EXISTS passkeys (
  -- As authenticators name it, base64url of at most 1,023 bytes.
  credential_id TEXT PRIMARY KEY CHECK (length(credential_id) BETWEEN 1 AND 1364),
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- As clients name it, a UUID.
  id TEXT NOT NULL,
  -- A COSE_Key (RFC 9052 section 7), base64url.
  public_key TEXT NOT NULL CHECK (length(public_key) <= 1024),
  sign_count INTEGER NOT NULL CHECK (sign_count >= 0),
  backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
  backed_up INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
  user_verified INTEGER NOT NULL CHECK (user_verified IN (0, 1)),
  second_factor INTEGER NOT NULL CHECK (second_factor IN (0, 1)),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  -- How its authenticator can be reached, as a hint to browsers: names with spaces between.
  transports TEXT NOT NULL DEFAULT '' CHECK (length(transports) <= 300)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS passkeys_by_user ON passkeys (user_id, id);

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
