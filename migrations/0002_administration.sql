-- The audit trail, and whether there is another admin.
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  user_id INTEGER,
  actor_id INTEGER,
  address TEXT NOT NULL,
  user_agent TEXT,
  detail TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS users_admins ON users (role) WHERE role = 'admin';
