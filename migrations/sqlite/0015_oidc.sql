-- Signing in through a provider (OpenID Connect).

-- Whose account there belongs to whom here. An account is issuer and subject, and nothing else.
CREATE TABLE identities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    UNIQUE (issuer, subject),
    UNIQUE (user_id, issuer)
) STRICT;

-- Who was sent to the provider and has not come back. By the SHA-256 of the cookie of the browser that went; what else
-- the way back is checked with follows from that cookie. Each works once.
CREATE TABLE provider_logins (
    hash BLOB NOT NULL PRIMARY KEY,
    aim TEXT NOT NULL CHECK (aim IN ('login', 'link', 'join')),
    -- The session that links, or the invitation that is accepted, as SHA-256; empty for a login.
    bound_to BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX provider_logins_by_end ON provider_logins (expires_at);
