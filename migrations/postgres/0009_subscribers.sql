-- Finding, grouping and importing subscribers: words to search by, saved segments and mailings to them, imports, and acts
-- on many that can be undone.

-- Words of address and name, by which somebody is found. Filled a moment after the person (see `is_searchable`), so that
-- a sign-up does not wait for it.
CREATE TABLE subscriber_words (
    word TEXT COLLATE "C" NOT NULL,
    subscriber_id BIGINT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    PRIMARY KEY (word, subscriber_id)
);

CREATE INDEX subscriber_words_by_subscriber ON subscriber_words (subscriber_id);

-- Whether the words are those of the address and the name as they are now.
ALTER TABLE subscribers ADD COLUMN is_searchable BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX subscribers_to_index ON subscribers (id) WHERE NOT is_searchable;

-- A file of people that is taken in, step by step: its rows are parsed into chunks, which a job works off in order.
CREATE TABLE imports (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id UUID NOT NULL UNIQUE,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    status TEXT NOT NULL CHECK (status IN ('reading', 'mapping', 'checking', 'checked', 'running', 'done', 'cancelled', 'failed')),
    file_name TEXT NOT NULL,
    -- The system that wrote the file, as its columns tell.
    origin TEXT NOT NULL CHECK (origin IN ('unknown', 'mailchimp', 'listmonk', 'ghost', 'substack', 'buttondown')),
    -- JSON: the names of the columns, and what each means.
    columns TEXT NOT NULL,
    mapping TEXT NOT NULL,
    -- On what the company bases that these people get mail; empty: each is asked for confirmation.
    basis TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    chunk_count BIGINT NOT NULL,
    -- The last chunk that is done: moves in the transaction of its rows.
    cursor BIGINT NOT NULL,
    -- Counts by outcome of a row.
    added BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    left_before BIGINT NOT NULL,
    known BIGINT NOT NULL,
    refused_left BIGINT NOT NULL,
    refused_erased BIGINT NOT NULL,
    duplicate BIGINT NOT NULL,
    invalid BIGINT NOT NULL,
    user_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    -- Which process works on it, and until when it counts as alive.
    worker TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);

CREATE INDEX imports_open ON imports (status, id);

-- The rows of a file, as JSON. Gone when the import has ended.
CREATE TABLE import_chunks (
    import_id BIGINT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
);

-- What became of each row: its number in the file and a word, one a line. No address.
CREATE TABLE import_reports (
    import_id BIGINT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
);

ALTER TABLE subscriptions ADD COLUMN import_id BIGINT REFERENCES imports (id);

-- Everything that a filter asks of a subscription itself, in the order in which lists show them: no filter of these needs
-- the rows.
CREATE INDEX subscriptions_to_filter ON subscriptions
    (newsletter_id, id, status, language, form_id, import_id, created_at, subscriber_id);

CREATE INDEX subscription_values_by_value ON subscription_values (field_id, value);

CREATE INDEX mailings_by_issue ON mailings (issue_id);

-- People of a newsletter to whom a filter applies, under a name. The filter is JSON with a version.
CREATE TABLE segments (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    filter TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (newsletter_id, name)
);

-- The segment of a mailing, and name and filter as they were when it was scheduled; NULL: it goes to everyone.
ALTER TABLE mailings ADD COLUMN segment_id BIGINT REFERENCES segments (id) ON DELETE SET NULL;
ALTER TABLE mailings ADD COLUMN segment_name TEXT;
ALTER TABLE mailings ADD COLUMN segment_filter TEXT;

-- The audience of a mailing to a segment, written down at its start, since who is in the segment changes while it goes
-- out. Emptied when it has ended.
CREATE TABLE mailing_audience (
    mailing_id BIGINT NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    subscription_id BIGINT NOT NULL,
    PRIMARY KEY (mailing_id, subscription_id)
);

-- An act on many subscriptions at once.
CREATE TABLE bulk_acts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id UUID NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('add_topic', 'remove_topic', 'unsubscribe', 'erase')),
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'undoing', 'undone', 'failed')),
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    topic_id BIGINT REFERENCES topics (id) ON DELETE SET NULL,
    -- JSON: who was selected.
    selection TEXT NOT NULL,
    total BIGINT NOT NULL,
    cursor BIGINT NOT NULL,
    -- The last subscription that was there when it began: who comes later is not meant.
    end_id BIGINT NOT NULL,
    looked_at BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    restored BIGINT NOT NULL,
    user_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    worker TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);

CREATE INDEX bulk_acts_open ON bulk_acts (status, id);

-- Who was changed by an act, and the moment that was written: an undo restores who has not changed since.
CREATE TABLE bulk_act_rows (
    act_id BIGINT NOT NULL REFERENCES bulk_acts (id) ON DELETE CASCADE,
    subscription_id BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (act_id, subscription_id)
);

CREATE INDEX bulk_act_rows_by_subscription ON bulk_act_rows (subscription_id);

-- The company brought somebody along, and says on what basis.
ALTER TABLE consents DROP CONSTRAINT consents_event_check;

ALTER TABLE consents ADD CONSTRAINT consents_event_check CHECK (event IN ('requested', 'confirmed', 'withdrawn', 'restored', 'tracking_given', 'tracking_withdrawn', 'address_changed', 'imported'));
