-- What is set at the desk rather than in the configuration: relays, and the steps of the first run.

-- Relays beside those of the configuration.
CREATE TABLE relays (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    tls TEXT NOT NULL CHECK (tls IN ('implicit', 'starttls', 'none')),
    auth TEXT NOT NULL CHECK (auth IN ('password', 'xoauth2')),
    -- Empty: no login.
    username TEXT NOT NULL,
    -- Sealed with a key of the installation's secret, for this host and user name alone; empty: no login.
    sealed_password BYTEA NOT NULL,
    connections BIGINT NOT NULL,
    mails_per_hour BIGINT,
    weight BIGINT NOT NULL,
    -- Counts the changes: of two people who change it at once the second is told.
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Links to the first run, as SHA-256 only; worth something while there is no user.
CREATE TABLE setup_tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- The steps of the first run: what was typed and is not stored elsewhere yet, and what was passed.
CREATE TABLE setup_steps (
    step TEXT NOT NULL PRIMARY KEY CHECK (step IN ('newsletter', 'sender', 'relay', 'brand')),
    -- A form as it was posted, without passwords; empty: none.
    draft TEXT NOT NULL,
    passed_at BIGINT
);

-- Whoever has a newsletter already is not asked for its brand.
INSERT INTO setup_steps (step, draft, passed_at)
SELECT s.step, '', n.at FROM (SELECT 'relay' AS step UNION SELECT 'brand') s, (SELECT MIN(created_at) AS at FROM newsletters) n
WHERE n.at IS NOT NULL;

-- The languages that readers can choose, beside that of the newsletter.
ALTER TABLE newsletters ADD COLUMN reader_languages TEXT NOT NULL DEFAULT 'nl,en,fr,de';
