-- People: what they may do, how they get in, and what they did.

-- Roles, for one newsletter or for all.
CREATE TABLE grants (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- NULL: all newsletters, also those that are added later.
    newsletter_id BIGINT REFERENCES newsletters (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'author', 'viewer'))
);

CREATE UNIQUE INDEX grants_of_all ON grants (user_id) WHERE newsletter_id IS NULL;

CREATE UNIQUE INDEX grants_of_one ON grants (user_id, newsletter_id) WHERE newsletter_id IS NOT NULL;

CREATE INDEX grants_by_newsletter ON grants (newsletter_id);

-- Until now everybody could do everything.
INSERT INTO grants (user_id, newsletter_id, role) SELECT id, CAST(NULL AS BIGINT), 'owner' FROM users;

-- When somebody chose a password; NULL: invited, and not here yet.
ALTER TABLE users ADD COLUMN joined_at BIGINT;

UPDATE users SET joined_at = created_at;

-- What the browser of a login calls itself, and how far it counts as one that is known.
ALTER TABLE sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';

-- Links that are worth a password: invitations, and forgotten passwords. As SHA-256 only; one of each kind for a person.
CREATE TABLE account_links (
    hash BYTEA NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL CHECK (purpose IN ('invite', 'reset')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (user_id, purpose)
);

-- Logins whose password was right, and whose second factor is still asked for. As SHA-256 only.
CREATE TABLE login_steps (
    hash BYTEA NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX login_steps_by_user ON login_steps (user_id);

-- The second factor of a person: an authenticator (RFC 6238).
CREATE TABLE authenticators (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- Sealed with a key of the installation's secret, for this person alone.
    sealed_secret BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it was turned on by a right code; NULL: not yet.
    active_at BIGINT,
    -- The period of the last code that was used: it and all before it are worth nothing.
    last_period BIGINT NOT NULL
);

-- Codes for the day when the authenticator is lost. As SHA-256 only, each worth one login.
CREATE TABLE recovery_codes (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, hash)
);

-- Browsers that somebody signed in with before, by the SHA-256 of their cookie.
CREATE TABLE known_browsers (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- What holds for everybody at the desk. One row.
CREATE TABLE desk_rules (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- Whether everybody needs a second factor.
    second_factor BOOLEAN NOT NULL,
    -- Counts changes of rules and of roles; its row is their lock.
    changes BIGINT NOT NULL
);

INSERT INTO desk_rules (id, second_factor, changes) VALUES (1, FALSE, 0);

-- What was done at the desk and by the command line. Append-only; it outlives what it tells of, so nothing refers to it
-- and it refers to nothing. Acts are added by every version, so that they have no CHECK.
CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    -- NULL: the command line.
    user_id BIGINT,
    user_name TEXT NOT NULL,
    act TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id BIGINT,
    newsletter_id BIGINT,
    detail TEXT NOT NULL
);

CREATE INDEX audit_by_object ON audit (object_kind, object_id, id);

CREATE INDEX audit_by_user ON audit (user_id, id);

CREATE INDEX audit_by_time ON audit (at);
