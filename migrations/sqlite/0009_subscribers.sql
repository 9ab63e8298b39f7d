-- Finding, grouping and importing subscribers: words to search by, saved segments and mailings to them, imports, and acts
-- on many that can be undone.

-- Words of address and name, by which somebody is found. Filled a moment after the person (see `is_searchable`), so that
-- a sign-up does not wait for it.
CREATE TABLE subscriber_words (
    word TEXT NOT NULL,
    subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    PRIMARY KEY (word, subscriber_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX subscriber_words_by_subscriber ON subscriber_words (subscriber_id);

-- Whether the words are those of the address and the name as they are now.
ALTER TABLE subscribers ADD COLUMN is_searchable INTEGER NOT NULL DEFAULT FALSE;

CREATE INDEX subscribers_to_index ON subscribers (id) WHERE NOT is_searchable;

-- A file of people that is taken in, step by step: its rows are parsed into chunks, which a job works off in order.
CREATE TABLE imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id BLOB NOT NULL UNIQUE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    status TEXT NOT NULL CHECK (status IN ('reading', 'mapping', 'checking', 'checked', 'running', 'done', 'cancelled', 'failed')),
    file_name TEXT NOT NULL,
    -- The system that wrote the file, as its columns tell.
    origin TEXT NOT NULL CHECK (origin IN ('unknown', 'mailchimp', 'listmonk', 'ghost', 'substack', 'buttondown')),
    -- JSON: the names of the columns, and what each means.
    columns TEXT NOT NULL,
    mapping TEXT NOT NULL,
    -- On what the company bases that these people get mail; empty: each is asked for confirmation.
    basis TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    chunk_count INTEGER NOT NULL,
    -- The last chunk that is done: moves in the transaction of its rows.
    cursor INTEGER NOT NULL,
    -- Counts by outcome of a row.
    added INTEGER NOT NULL,
    asked INTEGER NOT NULL,
    left_before INTEGER NOT NULL,
    known INTEGER NOT NULL,
    refused_left INTEGER NOT NULL,
    refused_erased INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    invalid INTEGER NOT NULL,
    user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    -- Which process works on it, and until when it counts as alive.
    worker TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;

CREATE INDEX imports_open ON imports (status, id);

-- The rows of a file, as JSON. Gone when the import has ended.
CREATE TABLE import_chunks (
    import_id INTEGER NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
) STRICT;

-- What became of each row: its number in the file and a word, one a line. No address.
CREATE TABLE import_reports (
    import_id INTEGER NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
) STRICT;

ALTER TABLE subscriptions ADD COLUMN import_id INTEGER REFERENCES imports (id);

-- Everything that a filter asks of a subscription itself, in the order in which lists show them: no filter of these needs
-- the rows.
CREATE INDEX subscriptions_to_filter ON subscriptions
    (newsletter_id, id, status, language, form_id, import_id, created_at, subscriber_id);

CREATE INDEX subscription_values_by_value ON subscription_values (field_id, value);

CREATE INDEX mailings_by_issue ON mailings (issue_id);

-- People of a newsletter to whom a filter applies, under a name. The filter is JSON with a version.
CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    filter TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (newsletter_id, name)
) STRICT;

-- The segment of a mailing, and name and filter as they were when it was scheduled; NULL: it goes to everyone.
ALTER TABLE mailings ADD COLUMN segment_id INTEGER REFERENCES segments (id) ON DELETE SET NULL;
ALTER TABLE mailings ADD COLUMN segment_name TEXT;
ALTER TABLE mailings ADD COLUMN segment_filter TEXT;

-- The audience of a mailing to a segment, written down at its start, since who is in the segment changes while it goes
-- out. Emptied when it has ended.
CREATE TABLE mailing_audience (
    mailing_id INTEGER NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    subscription_id INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, subscription_id)
) STRICT, WITHOUT ROWID;

-- An act on many subscriptions at once.
CREATE TABLE bulk_acts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('add_topic', 'remove_topic', 'unsubscribe', 'erase')),
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'undoing', 'undone', 'failed')),
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    topic_id INTEGER REFERENCES topics (id) ON DELETE SET NULL,
    -- JSON: who was selected.
    selection TEXT NOT NULL,
    total INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    -- The last subscription that was there when it began: who comes later is not meant.
    end_id INTEGER NOT NULL,
    looked_at INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    restored INTEGER NOT NULL,
    user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    worker TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE INDEX bulk_acts_open ON bulk_acts (status, id);

-- Who was changed by an act, and the moment that was written: an undo restores who has not changed since.
CREATE TABLE bulk_act_rows (
    act_id INTEGER NOT NULL REFERENCES bulk_acts (id) ON DELETE CASCADE,
    subscription_id INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (act_id, subscription_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX bulk_act_rows_by_subscription ON bulk_act_rows (subscription_id);

-- The company brought somebody along, and says on what basis. SQLite cannot change a CHECK: the table is made anew.
CREATE TABLE new_consents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    event TEXT NOT NULL CHECK (event IN ('requested', 'confirmed', 'withdrawn', 'restored', 'tracking_given', 'tracking_withdrawn', 'address_changed', 'imported')),
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
    user_agent, message_id, form_id, form_version, referrer, utm, privacy_url)
SELECT id, subscriber_id, newsletter_id, event, at, consent_text_id, language, source, page, ip, user_agent, message_id,
    form_id, form_version, referrer, utm, privacy_url
FROM consents;

DROP TABLE consents;

ALTER TABLE new_consents RENAME TO consents;

CREATE INDEX consents_by_subscriber ON consents (subscriber_id, newsletter_id, id);
