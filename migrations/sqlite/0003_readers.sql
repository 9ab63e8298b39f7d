-- Everything that a visitor and a subscriber meets: forms with fields of their own, topics, rhythm, pauses, the welcome
-- series, and the evidence of each.

-- Where the company says what it does with personal data; empty: nowhere.
ALTER TABLE newsletters ADD COLUMN privacy_url TEXT NOT NULL DEFAULT '';

-- A door of a newsletter: its hosted page, the form on a website, the API. Each newsletter has one from the start.
CREATE TABLE forms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id BLOB NOT NULL UNIQUE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    name TEXT NOT NULL,
    -- The form of the newsletter's own page.
    is_default INTEGER NOT NULL,
    -- Counts the changes: consents say which one they were given on.
    version INTEGER NOT NULL,
    -- Origins of websites whose scripts may use the API, one a line.
    allowed_origins TEXT NOT NULL,
    -- Where a plain form leads after a sign-up; empty: to our page.
    redirect_url TEXT NOT NULL,
    disposable_policy TEXT NOT NULL CHECK (disposable_policy IN ('allow', 'flag', 'refuse')),
    proof_policy TEXT NOT NULL CHECK (proof_policy IN ('auto', 'always', 'never')),
    -- Until then a proof of work is asked for, because the form is under attack.
    proof_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Takes no more sign-ups.
    archived_at INTEGER
) STRICT;

CREATE INDEX forms_by_newsletter ON forms (newsletter_id, id);

CREATE UNIQUE INDEX forms_one_default ON forms (newsletter_id) WHERE is_default;

INSERT INTO forms (public_id, newsletter_id, name, is_default, version, allowed_origins, redirect_url,
    disposable_policy, proof_policy, created_at, updated_at)
SELECT randomblob(16), id, name, TRUE, 1, '', '', 'allow', 'auto', created_at, created_at FROM newsletters;

-- What a newsletter asks for beyond address, name and language.
CREATE TABLE fields (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    key TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'choice', 'number', 'date', 'yes_no')),
    -- Most characters of a text.
    max_length INTEGER,
    -- Bounds of a number.
    least INTEGER,
    most INTEGER,
    -- Values of a choice, one a line.
    options TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    UNIQUE (newsletter_id, key)
) STRICT;

CREATE TABLE field_texts (
    field_id INTEGER NOT NULL REFERENCES fields (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    label TEXT NOT NULL,
    hint TEXT NOT NULL,
    -- Labels of the values of a choice, one a line, in their order.
    options TEXT NOT NULL,
    PRIMARY KEY (field_id, language)
) STRICT;

CREATE TABLE form_fields (
    form_id INTEGER NOT NULL REFERENCES forms (id) ON DELETE CASCADE,
    field_id INTEGER NOT NULL REFERENCES fields (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    is_required INTEGER NOT NULL,
    PRIMARY KEY (form_id, field_id)
) STRICT;

CREATE TABLE subscription_values (
    subscription_id INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    field_id INTEGER NOT NULL REFERENCES fields (id) ON DELETE CASCADE,
    -- Canonical: a date as 2026-11-26, a number in decimal digits, yes or no.
    value TEXT NOT NULL,
    PRIMARY KEY (subscription_id, field_id)
) STRICT;

-- What a newsletter is about: subscribers choose, an issue may have one.
CREATE TABLE topics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    UNIQUE (newsletter_id, key)
) STRICT;

CREATE TABLE topic_texts (
    topic_id INTEGER NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (topic_id, language)
) STRICT;

CREATE TABLE subscription_topics (
    subscription_id INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    topic_id INTEGER NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
    -- Chosen when. A mailing that had started before does not reach this reader.
    since INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, topic_id)
) STRICT;

CREATE INDEX subscription_topics_by_topic ON subscription_topics (topic_id, subscription_id);

-- The topic of an issue; none: it is for everyone.
ALTER TABLE issues ADD COLUMN topic_id INTEGER REFERENCES topics (id);
-- As it was when the issue was scheduled.
ALTER TABLE mailings ADD COLUMN topic_id INTEGER REFERENCES topics (id);

-- How often a subscriber wants mail: each issue, or a digest a month.
ALTER TABLE subscriptions ADD COLUMN rhythm TEXT NOT NULL DEFAULT 'each' CHECK (rhythm IN ('each', 'monthly'));
-- No issue before this moment.
ALTER TABLE subscriptions ADD COLUMN paused_until INTEGER;
-- Since when the subscription is part of the audience of issues: not while it is pending, paused, monthly or left.
ALTER TABLE subscriptions ADD COLUMN audience_since INTEGER;
-- When the reader agreed that opens and clicks are counted for this person; NULL: never, or withdrawn.
ALTER TABLE subscriptions ADD COLUMN tracking_since INTEGER;
-- The form that the sign-up came through.
ALTER TABLE subscriptions ADD COLUMN form_id INTEGER REFERENCES forms (id);
-- Of the one reminder to confirm; NULL: none was sent.
ALTER TABLE subscriptions ADD COLUMN reminded_at INTEGER;
-- The domain of the address is one of throw-away mailboxes.
ALTER TABLE subscriptions ADD COLUMN is_disposable INTEGER NOT NULL DEFAULT FALSE;

UPDATE subscriptions SET audience_since = confirmed_at WHERE status = 'confirmed';

CREATE INDEX subscriptions_pending ON subscriptions (created_at) WHERE status = 'pending';

-- Whose evidence may have had its time.
CREATE INDEX subscriptions_left ON subscriptions (unsubscribed_at) WHERE status = 'unsubscribed';

CREATE INDEX subscriptions_paused ON subscriptions (paused_until) WHERE paused_until IS NOT NULL;

-- Evidence says which form, in which version, and how the visitor came there. SQLite cannot change a CHECK: the table is
-- made anew.
CREATE TABLE new_consents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    event TEXT NOT NULL CHECK (event IN ('requested', 'confirmed', 'withdrawn', 'restored', 'tracking_given', 'tracking_withdrawn', 'address_changed')),
    at INTEGER NOT NULL,
    consent_text_id INTEGER REFERENCES consent_texts (id),
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    source TEXT NOT NULL,
    page TEXT NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    message_id TEXT,
    form_id INTEGER REFERENCES forms (id),
    form_version INTEGER,
    -- The page before the one with the form.
    referrer TEXT NOT NULL DEFAULT '',
    -- utm_source=..&utm_medium=..: only the five known names, each value once.
    utm TEXT NOT NULL DEFAULT '',
    -- The privacy text that was linked then.
    privacy_url TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO new_consents (id, subscriber_id, newsletter_id, event, at, consent_text_id, language, source, page, ip,
    user_agent, message_id)
SELECT id, subscriber_id, newsletter_id, event, at, consent_text_id, language, source, page, ip, user_agent, message_id
FROM consents;

DROP TABLE consents;

ALTER TABLE new_consents RENAME TO consents;

CREATE INDEX consents_by_subscriber ON consents (subscriber_id, newsletter_id, id);

-- Why someone left, if they said so.
CREATE TABLE departures (
    subscription_id INTEGER NOT NULL PRIMARY KEY REFERENCES subscriptions (id) ON DELETE CASCADE,
    reason TEXT NOT NULL CHECK (reason IN ('too_many', 'not_relevant', 'never_asked', 'looks_bad', 'other')),
    remark TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- A new address that waits for the press of a button in the mail to it. The token is kept as its SHA-256 only.
CREATE TABLE address_changes (
    hash BLOB NOT NULL PRIMARY KEY,
    subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    new_address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE INDEX address_changes_by_subscriber ON address_changes (subscriber_id);

-- Sign-ups of a form in an hour (its number since 1970-01-01 UTC), to see an attack.
CREATE TABLE signup_counts (
    form_id INTEGER NOT NULL REFERENCES forms (id) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (form_id, hour)
) STRICT;

-- Proofs of work that were handed in: each counts once.
CREATE TABLE used_proofs (
    hash BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX used_proofs_by_end ON used_proofs (expires_at);

-- The welcome series: mails so many days after confirming. Day 0 is the welcome mail.
CREATE TABLE welcome_steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    days INTEGER NOT NULL CHECK (days >= 0),
    -- Since when it is sent; NULL: not. Whoever is past its day by then does not get it.
    active_since INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- One mail a day.
CREATE UNIQUE INDEX welcome_steps_by_newsletter ON welcome_steps (newsletter_id, days);

CREATE TABLE welcome_step_texts (
    step_id INTEGER NOT NULL REFERENCES welcome_steps (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    subject TEXT NOT NULL,
    preheader TEXT NOT NULL,
    -- Markdown; before the article, where there is one.
    body TEXT NOT NULL,
    article_id INTEGER REFERENCES articles (id),
    PRIMARY KEY (step_id, language)
) STRICT;

-- The row before the mail: nobody gets a step twice.
CREATE TABLE welcome_sent (
    subscription_id INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    step_id INTEGER NOT NULL REFERENCES welcome_steps (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, step_id)
) STRICT;

CREATE INDEX welcome_sent_by_step ON welcome_sent (step_id);

CREATE INDEX subscriptions_by_confirmation ON subscriptions (newsletter_id, confirmed_at) WHERE status = 'confirmed';

-- More kinds of single mails. SQLite cannot change a CHECK: the table is made anew, and the one that refers to it.
CREATE TABLE new_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'reminder', 'already_subscribed', 'welcome', 'manage', 'address_change', 'address_changed', 'test', 'alert')),
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
    finished_at INTEGER,
    welcome_step_id INTEGER REFERENCES welcome_steps (id) ON DELETE CASCADE
) STRICT;

INSERT INTO new_outbox SELECT id, kind, status, newsletter_id, subscription_id, to_address, issue_id, language, nonce,
    message_uuid, attempts, doubts, due_at, worker_id, reply, created_at, finished_at, NULL FROM outbox;

CREATE TABLE new_outbox_contents (
    outbox_id INTEGER NOT NULL PRIMARY KEY REFERENCES new_outbox (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    html TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;

INSERT INTO new_outbox_contents SELECT outbox_id, subject, html, text FROM outbox_contents;

DROP TABLE outbox_contents;

DROP TABLE outbox;

ALTER TABLE new_outbox RENAME TO outbox;

ALTER TABLE new_outbox_contents RENAME TO outbox_contents;

CREATE INDEX outbox_queued ON outbox (due_at, id) WHERE status = 'queued';

CREATE INDEX outbox_claimed ON outbox (worker_id) WHERE status = 'claimed';

CREATE INDEX outbox_by_subscription ON outbox (subscription_id);

-- When the replies of its deliveries were forgotten; NULL: they are kept still.
ALTER TABLE mailings ADD COLUMN replies_forgotten_at INTEGER;
