-- Keys of the API, and the articles that programs hand in by it.

-- By a key a program acts as the person who made it, with at most the permissions that were chosen for it.
CREATE TABLE api_keys (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- SHA-256 of the key, which is shown once and stored nowhere.
    token_hash BYTEA NOT NULL UNIQUE,
    -- Names with spaces. Versions add permissions, so that they have no CHECK.
    permissions TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- To the day.
    last_used_at BIGINT,
    -- NULL: never.
    expires_at BIGINT
);

CREATE INDEX api_keys_by_user ON api_keys (user_id, id);

-- Which article is which elsewhere, for a person: handed in again, it is the same one.
CREATE TABLE external_articles (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    external_id TEXT NOT NULL,
    -- NULL: within the transaction that makes it, or its article is gone.
    article_id BIGINT REFERENCES articles (id) ON DELETE SET NULL,
    -- Of the article when it was last taken over.
    article_version BIGINT NOT NULL,
    PRIMARY KEY (user_id, external_id)
);

CREATE INDEX external_articles_by_article ON external_articles (article_id);
