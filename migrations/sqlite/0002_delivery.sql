-- Several relays, destinations that are limited one by one, and what people may do with a mailing.

-- The relay that is asked first, by its name in the configuration; empty: any.
ALTER TABLE newsletters ADD COLUMN relay TEXT NOT NULL DEFAULT '';
-- Empty: as fast as relays and destinations take it.
ALTER TABLE newsletters ADD COLUMN mails_per_hour INTEGER CHECK (mails_per_hour > 0);

-- From when a mailing's retries are counted: its start, or when someone resumed it or had it sent again.
ALTER TABLE mailings ADD COLUMN retry_from INTEGER;
-- Why it was last paused.
ALTER TABLE mailings ADD COLUMN pause_reason TEXT NOT NULL DEFAULT ''
    CHECK (pause_reason IN ('', 'user', 'bounces', 'sender', 'restored'));

-- The provider, or the domain, of the recipient.
ALTER TABLE deliveries ADD COLUMN destination TEXT NOT NULL DEFAULT '';
-- The relay that gave the last answer.
ALTER TABLE deliveries ADD COLUMN relay TEXT NOT NULL DEFAULT '';
-- What a refusal was about.
ALTER TABLE deliveries ADD COLUMN refusal TEXT NOT NULL DEFAULT ''
    CHECK (refusal IN ('', 'address', 'mailbox', 'message', 'policy', 'sender', 'other'));

-- What waits, destination by destination: one that takes nothing now does not stand before the others.
DROP INDEX deliveries_deferred;

CREATE INDEX deliveries_waiting ON deliveries (mailing_id, destination, due_at) WHERE outcome = 'deferred';

-- How many mails of a day (its number since 1970-01-01 UTC) were claimed for a destination that is warmed up.
CREATE TABLE warmup_days (
    destination TEXT NOT NULL,
    day INTEGER NOT NULL,
    mails INTEGER NOT NULL,
    PRIMARY KEY (destination, day)
) STRICT, WITHOUT ROWID;

-- Alerts are single mails too. SQLite cannot change a CHECK: the table is made anew, and the one that refers to it.
CREATE TABLE new_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'already_subscribed', 'test', 'alert')),
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

INSERT INTO new_outbox SELECT id, kind, status, newsletter_id, subscription_id, to_address, issue_id, language, nonce,
    message_uuid, attempts, doubts, due_at, worker_id, reply, created_at, finished_at FROM outbox;

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
