-- The first schema. The same tables and columns in both databases; a test compares them.
-- Times are milliseconds since 1970-01-01 UTC. Enums are TEXT with a CHECK. This file is never edited once landed.

CREATE TABLE newsletters (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    time_zone TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    sender_address TEXT NOT NULL,
    reply_to TEXT,
    postal_address TEXT NOT NULL,
    brand_color TEXT NOT NULL,
    logo_url TEXT NOT NULL,
    on_uncertain TEXT NOT NULL CHECK (on_uncertain IN ('resend', 'hold')),
    created_at BIGINT NOT NULL
);

-- The exact words that people agree to. New words are a new version; a version is never changed.
CREATE TABLE consent_texts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    version BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (newsletter_id, language, version)
);

CREATE TABLE subscribers (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id UUID NOT NULL UNIQUE,
    -- As typed, the domain in lower case.
    address TEXT NOT NULL,
    -- Lower case, the domain as A-labels: one mailbox is one subscriber.
    address_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    created_at BIGINT NOT NULL
);

CREATE TABLE subscriptions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscriber_id BIGINT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'confirmed', 'unsubscribed')),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    unsubscribed_at BIGINT,
    UNIQUE (subscriber_id, newsletter_id)
);

-- The feeder walks this with its cursor.
CREATE INDEX subscriptions_by_audience ON subscriptions (newsletter_id, status, id);

-- Evidence: rows are added, and leave only when the person is erased.
CREATE TABLE consents (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscriber_id BIGINT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    event TEXT NOT NULL CHECK (event IN ('requested', 'confirmed', 'withdrawn', 'restored')),
    at BIGINT NOT NULL,
    consent_text_id BIGINT REFERENCES consent_texts (id),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    source TEXT NOT NULL,
    page TEXT NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    message_id TEXT
);

CREATE INDEX consents_by_subscriber ON consents (subscriber_id, newsletter_id, id);

-- Addresses never to be mailed again, as keyed hashes: they outlive an erasure.
CREATE TABLE suppressions (
    address_hash BYTEA NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL CHECK (reason IN ('erased')),
    created_at BIGINT NOT NULL
);

-- Confirmation tokens, as SHA-256 only.
CREATE TABLE tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('confirm')),
    subscription_id BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE INDEX tokens_by_subscription ON tokens (subscription_id);

-- Counters of limits. The key is a keyed hash: no address and no IP stands here.
CREATE TABLE rate_limits (
    key BYTEA NOT NULL PRIMARY KEY,
    window_ends_at BIGINT NOT NULL,
    hits BIGINT NOT NULL
);

CREATE INDEX rate_limits_by_end ON rate_limits (window_ends_at);

CREATE TABLE articles (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    title TEXT NOT NULL,
    author TEXT NOT NULL,
    teaser TEXT NOT NULL,
    body TEXT NOT NULL,
    -- Title, author and body in lower case: SQLite's own lower() knows ASCII only.
    search_text TEXT NOT NULL,
    canonical_url TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'published')),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    published_at BIGINT
);

CREATE INDEX articles_by_update ON articles (updated_at);

CREATE TABLE issues (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id UUID NOT NULL UNIQUE,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    number BIGINT NOT NULL,
    subject TEXT NOT NULL,
    preheader TEXT NOT NULL,
    intro TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (newsletter_id, number)
);

CREATE TABLE issue_articles (
    issue_id BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    article_id BIGINT NOT NULL REFERENCES articles (id),
    position BIGINT NOT NULL,
    display TEXT NOT NULL CHECK (display IN ('full', 'teaser')),
    PRIMARY KEY (issue_id, article_id)
);

CREATE INDEX issue_articles_by_article ON issue_articles (article_id);

CREATE TABLE mailings (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id UUID NOT NULL UNIQUE,
    issue_id BIGINT NOT NULL REFERENCES issues (id),
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    status TEXT NOT NULL CHECK (status IN ('scheduled', 'sending', 'paused', 'sent', 'cancelled')),
    due_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    cursor BIGINT NOT NULL,
    audience_end BIGINT NOT NULL,
    audience BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    deferred BIGINT NOT NULL,
    bounced BIGINT NOT NULL,
    uncertain BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    expired BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX mailings_by_due ON mailings (status, due_at);

-- An issue is mailed once: a second mailing is only possible after the first was cancelled.
CREATE UNIQUE INDEX mailings_one_per_issue ON mailings (issue_id) WHERE status <> 'cancelled';

-- What is mailed, frozen when the issue is scheduled: the source of every mail and of the web view.
CREATE TABLE mailing_contents (
    mailing_id BIGINT NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    subject TEXT NOT NULL,
    html TEXT NOT NULL,
    text TEXT NOT NULL,
    web_html TEXT NOT NULL,
    PRIMARY KEY (mailing_id, language)
);

-- The articles that a mailing holds, in the version that was mailed.
CREATE TABLE mailing_articles (
    mailing_id BIGINT NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    article_id BIGINT NOT NULL REFERENCES articles (id),
    position BIGINT NOT NULL,
    article_version BIGINT NOT NULL,
    PRIMARY KEY (mailing_id, article_id)
);

CREATE INDEX mailing_articles_by_article ON mailing_articles (article_id);

-- Sender processes. A claim of a worker whose heartbeat stopped is an orphan.
CREATE TABLE workers (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL
);

-- The row before the wire. No reference to subscribers: the account of a mailing outlives an erasure.
CREATE TABLE deliveries (
    mailing_id BIGINT NOT NULL REFERENCES mailings (id),
    subscriber_id BIGINT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('claimed', 'sent', 'deferred', 'bounced', 'uncertain', 'skipped', 'expired')),
    attempts BIGINT NOT NULL,
    doubts BIGINT NOT NULL,
    at BIGINT NOT NULL,
    worker_id BIGINT,
    due_at BIGINT,
    reply TEXT NOT NULL,
    PRIMARY KEY (mailing_id, subscriber_id)
) WITH (fillfactor = 80);

-- Small at all times: what is on the wire, and what waits for another try. One index for each state, because
-- SQLite only uses a partial index when the query repeats its condition word for word.
CREATE INDEX deliveries_claimed ON deliveries (mailing_id, worker_id) WHERE outcome = 'claimed';

CREATE INDEX deliveries_deferred ON deliveries (mailing_id, due_at) WHERE outcome = 'deferred';

-- Single mails, written in the transaction of their cause.
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'already_subscribed', 'test')),
    status TEXT NOT NULL CHECK (status IN ('queued', 'claimed', 'sent', 'bounced', 'uncertain', 'expired')),
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    subscription_id BIGINT REFERENCES subscriptions (id) ON DELETE CASCADE,
    to_address TEXT,
    issue_id BIGINT REFERENCES issues (id),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    nonce BYTEA NOT NULL,
    message_uuid UUID NOT NULL,
    attempts BIGINT NOT NULL,
    doubts BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    worker_id BIGINT,
    reply TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);

-- What a test mail holds: the issue as it was when the test was asked for.
CREATE TABLE outbox_contents (
    outbox_id BIGINT NOT NULL PRIMARY KEY REFERENCES outbox (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    html TEXT NOT NULL,
    text TEXT NOT NULL
);

CREATE INDEX outbox_queued ON outbox (due_at, id) WHERE status = 'queued';

CREATE INDEX outbox_claimed ON outbox (worker_id) WHERE status = 'claimed';

CREATE INDEX outbox_by_subscription ON outbox (subscription_id);

CREATE TABLE users (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE sessions (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id);
