-- Passkeys (WebAuthn).

CREATE TABLE passkeys (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- As the authenticator calls it.
    credential_id BYTEA NOT NULL UNIQUE,
    -- The public key as the authenticator gave it (COSE).
    public_key BYTEA NOT NULL,
    -- The authenticator's own count of signatures; 0 for one that does not count.
    counter BIGINT NOT NULL,
    -- Whether it can be copied to other devices, and whether it has been.
    can_sync BOOLEAN NOT NULL,
    is_synced BOOLEAN NOT NULL,
    -- As its owner calls it.
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- Challenges that wait for an answer, by the SHA-256 of the cookie from which they are derived. Each works once.
CREATE TABLE passkey_challenges (
    hash BYTEA NOT NULL PRIMARY KEY,
    -- The session that adds a passkey, as SHA-256; empty for a login.
    bound_to BYTEA NOT NULL,
    -- How the passkey is to be called.
    name TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX passkey_challenges_by_end ON passkey_challenges (expires_at);
