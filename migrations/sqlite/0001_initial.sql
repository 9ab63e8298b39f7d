-- The first schema. The same tables and columns in both databases; a test compares them.
-- Times are milliseconds since 1970-01-01 UTC. Enums are TEXT with a CHECK. This file is never edited once landed.

CREATE TABLE newsletters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
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
    created_at INTEGER NOT NULL
) STRICT;

-- The exact words that people agree to. New words are a new version; a version is never changed.
CREATE TABLE consent_texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    version INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (newsletter_id, language, version)
) STRICT;

CREATE TABLE subscribers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id BLOB NOT NULL UNIQUE,
    -- As typed, the domain in lower case.
    address TEXT NOT NULL,
    -- Lower case, the domain as A-labels: one mailbox is one subscriber.
    address_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'confirmed', 'unsubscribed')),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    unsubscribed_at INTEGER,
    UNIQUE (subscriber_id, newsletter_id)
) STRICT;

-- The feeder walks this with its cursor.
CREATE INDEX subscriptions_by_audience ON subscriptions (newsletter_id, status, id);

-- Evidence: rows are added, and leave only when the person is erased.
CREATE TABLE consents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    event TEXT NOT NULL CHECK (event IN ('requested', 'confirmed', 'withdrawn', 'restored')),
    at INTEGER NOT NULL,
    consent_text_id INTEGER REFERENCES consent_texts (id),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    source TEXT NOT NULL,
    page TEXT NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    message_id TEXT
) STRICT;

CREATE INDEX consents_by_subscriber ON consents (subscriber_id, newsletter_id, id);

-- Addresses never to be mailed again, as keyed hashes: they outlive an erasure.
CREATE TABLE suppressions (
    address_hash BLOB NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL CHECK (reason IN ('erased')),
    created_at INTEGER NOT NULL
) STRICT;

-- Confirmation tokens, as SHA-256 only.
CREATE TABLE tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('confirm')),
    subscription_id INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE INDEX tokens_by_subscription ON tokens (subscription_id);

-- Counters of limits. The key is a keyed hash: no address and no IP stands here.
CREATE TABLE rate_limits (
    key BLOB NOT NULL PRIMARY KEY,
    window_ends_at INTEGER NOT NULL,
    hits INTEGER NOT NULL
) STRICT;

CREATE INDEX rate_limits_by_end ON rate_limits (window_ends_at);

CREATE TABLE articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
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
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    published_at INTEGER
) STRICT;

CREATE INDEX articles_by_update ON articles (updated_at);

CREATE TABLE issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id BLOB NOT NULL UNIQUE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    preheader TEXT NOT NULL,
    intro TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (newsletter_id, number)
) STRICT;

CREATE TABLE issue_articles (
    issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    article_id INTEGER NOT NULL REFERENCES articles (id),
    position INTEGER NOT NULL,
    display TEXT NOT NULL CHECK (display IN ('full', 'teaser')),
    PRIMARY KEY (issue_id, article_id)
) STRICT;

CREATE INDEX issue_articles_by_article ON issue_articles (article_id);

CREATE TABLE mailings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id BLOB NOT NULL UNIQUE,
    issue_id INTEGER NOT NULL REFERENCES issues (id),
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    status TEXT NOT NULL CHECK (status IN ('scheduled', 'sending', 'paused', 'sent', 'cancelled')),
    due_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    cursor INTEGER NOT NULL,
    audience_end INTEGER NOT NULL,
    audience INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    deferred INTEGER NOT NULL,
    bounced INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX mailings_by_due ON mailings (status, due_at);

-- An issue is mailed once: a second mailing is only possible after the first was cancelled.
CREATE UNIQUE INDEX mailings_one_per_issue ON mailings (issue_id) WHERE status <> 'cancelled';

-- What is mailed, frozen when the issue is scheduled: the source of every mail and of the web view.
CREATE TABLE mailing_contents (
    mailing_id INTEGER NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    subject TEXT NOT NULL,
    html TEXT NOT NULL,
    text TEXT NOT NULL,
    web_html TEXT NOT NULL,
    PRIMARY KEY (mailing_id, language)
) STRICT;

-- The articles that a mailing holds, in the version that was mailed.
CREATE TABLE mailing_articles (
    mailing_id INTEGER NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    article_id INTEGER NOT NULL REFERENCES articles (id),
    position INTEGER NOT NULL,
    article_version INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, article_id)
) STRICT;

CREATE INDEX mailing_articles_by_article ON mailing_articles (article_id);

-- Sender processes. A claim of a worker whose heartbeat stopped is an orphan.
CREATE TABLE workers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT;

-- The row before the wire. No reference to subscribers: the account of a mailing outlives an erasure.
CREATE TABLE deliveries (
    mailing_id INTEGER NOT NULL REFERENCES mailings (id),
    subscriber_id INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('claimed', 'sent', 'deferred', 'bounced', 'uncertain', 'skipped', 'expired')),
    attempts INTEGER NOT NULL,
    doubts INTEGER NOT NULL,
    at INTEGER NOT NULL,
    worker_id INTEGER,
    due_at INTEGER,
    reply TEXT NOT NULL,
    PRIMARY KEY (mailing_id, subscriber_id)
) STRICT, WITHOUT ROWID;

-- Small at all times: what is on the wire, and what waits for another try. One index for each state, because
-- SQLite only uses a partial index when the query repeats its condition word for word.
CREATE INDEX deliveries_claimed ON deliveries (mailing_id, worker_id) WHERE outcome = 'claimed';

CREATE INDEX deliveries_deferred ON deliveries (mailing_id, due_at) WHERE outcome = 'deferred';

-- Single mails, written in the transaction of their cause.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'already_subscribed', 'test')),
    status TEXT NOT NULL CHECK (status IN ('queued', 'claimed', 'sent', 'bounced', 'uncertain', 'expired')),
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    subscription_id INTEGER REFERENCES subscriptions (id) ON DELETE CASCADE,
    to_address TEXT,
    issue_id INTEGER REFERENCES issues (id),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    nonce BLOB NOT NULL,
    message_uuid BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    doubts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    worker_id INTEGER,
    reply TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

-- What a test mail holds: the issue as it was when the test was asked for.
CREATE TABLE outbox_contents (
    outbox_id INTEGER NOT NULL PRIMARY KEY REFERENCES outbox (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    html TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;

CREATE INDEX outbox_queued ON outbox (due_at, id) WHERE status = 'queued';

CREATE INDEX outbox_claimed ON outbox (worker_id) WHERE status = 'claimed';

CREATE INDEX outbox_by_subscription ON outbox (subscription_id);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

CREATE TABLE sessions (
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);
