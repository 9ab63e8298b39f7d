-- Signing in through a provider (OpenID Connect).

-- Whose account there belongs to whom here. An account is issuer and subject, and nothing else.
CREATE TABLE identities (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    UNIQUE (issuer, subject),
    UNIQUE (user_id, issuer)
);

-- Who was sent to the provider and has not come back. By the SHA-256 of the cookie of the browser that went; what else
-- the way back is checked with follows from that cookie. Each works once.
CREATE TABLE provider_logins (
    hash BYTEA NOT NULL PRIMARY KEY,
    aim TEXT NOT NULL CHECK (aim IN ('login', 'link', 'join')),
    -- The session that links, or the invitation that is accepted, as SHA-256; empty for a login.
    bound_to BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX provider_logins_by_end ON provider_logins (expires_at);
