-- Passkeys (WebAuthn).

CREATE TABLE passkeys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- As the authenticator calls it.
    credential_id BLOB NOT NULL UNIQUE,
    -- The public key as the authenticator gave it (COSE).
    public_key BLOB NOT NULL,
    -- The authenticator's own count of signatures; 0 for one that does not count.
    counter INTEGER NOT NULL,
    -- Whether it can be copied to other devices, and whether it has been.
    can_sync INTEGER NOT NULL,
    is_synced INTEGER NOT NULL,
    -- As its owner calls it.
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- Challenges that wait for an answer, by the SHA-256 of the cookie from which they are derived. Each works once.
CREATE TABLE passkey_challenges (
    hash BLOB NOT NULL PRIMARY KEY,
    -- The session that adds a passkey, as SHA-256; empty for a login.
    bound_to BLOB NOT NULL,
    -- How the passkey is to be called.
    name TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX passkey_challenges_by_end ON passkey_challenges (expires_at);
