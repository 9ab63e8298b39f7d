-- Digests: rules by which issues are made of articles, their runs, and articles that come from outside.

-- Whom an issue is for: readers of each issue, or those who chose a digest a month. Frozen with its mailing.
ALTER TABLE issues ADD COLUMN rhythm TEXT NOT NULL DEFAULT 'each' CHECK (rhythm IN ('each', 'monthly'));

ALTER TABLE mailings ADD COLUMN rhythm TEXT NOT NULL DEFAULT 'each' CHECK (rhythm IN ('each', 'monthly'));

-- Since when the subscription is part of the audience of monthly digests, as audience_since says it of issues: never
-- both. Only where a newsletter has such a digest.
ALTER TABLE subscriptions ADD COLUMN monthly_since INTEGER;

CREATE TABLE digest_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    name TEXT NOT NULL,
    -- NULL: off.
    on_since INTEGER,
    audience TEXT NOT NULL CHECK (audience IN ('each', 'monthly')),
    -- Published articles, or those that readers of each issue got.
    source TEXT NOT NULL CHECK (source IN ('published', 'mailed')),
    policy TEXT NOT NULL CHECK (policy IN ('unless_stopped', 'if_approved')),
    -- NULL: any.
    language TEXT CHECK (language IN ('nl', 'en', 'fr', 'de')),
    -- As typed, with commas; the keys are in digest_rule_tags. Empty: all articles.
    tags TEXT NOT NULL,
    sort TEXT NOT NULL CHECK (sort IN ('newest', 'oldest', 'pinned')),
    fewest INTEGER NOT NULL CHECK (fewest >= 1),
    most INTEGER NOT NULL CHECK (most >= fewest),
    display TEXT NOT NULL CHECK (display IN ('full', 'teaser')),
    subject TEXT NOT NULL,
    intro TEXT NOT NULL,
    -- "weekly 1,4 07:30", "monthly 15 07:30", "monthly last 07:30" or "nth 2 3 07:30": days are 1 for Monday to 7.
    calendar TEXT NOT NULL,
    lead_hours INTEGER NOT NULL CHECK (lead_hours >= 1),
    -- Articles of before this moment are none of its.
    since INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX digest_rules_by_newsletter ON digest_rules (newsletter_id, id);

CREATE TABLE digest_rule_tags (
    rule_id INTEGER NOT NULL REFERENCES digest_rules (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    PRIMARY KEY (rule_id, key)
) STRICT;

-- Stands first in the next digest of a rule.
CREATE TABLE digest_pins (
    rule_id INTEGER NOT NULL REFERENCES digest_rules (id) ON DELETE CASCADE,
    article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    PRIMARY KEY (rule_id, article_id)
) STRICT;

-- One digest of a rule: of a date of its calendar, whoever makes it and however often.
CREATE TABLE digest_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id INTEGER NOT NULL REFERENCES digest_rules (id) ON DELETE CASCADE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    -- The date in the newsletter's zone: 2027-03-28.
    period TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'scheduled', 'sent', 'skipped', 'failed')),
    reason TEXT NOT NULL CHECK (reason IN ('', 'too_few', 'missed', 'stopped', 'desk', 'not_approved', 'empty', 'blocked', 'cancelled', 'rule_off', 'late')),
    issue_id INTEGER REFERENCES issues (id),
    -- Of the issue when it was proposed: a later one was edited.
    issue_version INTEGER,
    mailing_id INTEGER REFERENCES mailings (id),
    -- SHA-256 of what was approved, in hexadecimal; empty: nothing was.
    approved_content TEXT NOT NULL,
    -- Who approved, skipped or moved it; NULL: nobody, or the command line.
    acted_by INTEGER REFERENCES users (id) ON DELETE SET NULL,
    acted_at INTEGER,
    -- How many articles there were to choose from.
    found INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (rule_id, period)
) STRICT;

CREATE INDEX digest_runs_open ON digest_runs (due_at) WHERE state IN ('proposed', 'approved', 'scheduled');

CREATE INDEX digest_runs_by_issue ON digest_runs (issue_id);

-- Links in the mail of a proposal, by the SHA-256 of their token: one for each user.
CREATE TABLE digest_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES digest_runs (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX digest_tokens_by_run ON digest_tokens (run_id);

-- Feeds of which the entries become articles.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    url TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    -- With commas: every article gets them.
    tags TEXT NOT NULL,
    intake TEXT NOT NULL CHECK (intake IN ('draft', 'published')),
    interval_minutes INTEGER NOT NULL,
    is_on INTEGER NOT NULL,
    -- As the server gave them last; empty: not.
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    -- In a row.
    failures INTEGER NOT NULL,
    -- Key of its text in the language files; empty: the last time went well.
    error TEXT NOT NULL,
    -- The HTTP status that the error is about; 0: none.
    error_status INTEGER NOT NULL,
    fetched_at INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sources_due ON sources (next_at) WHERE is_on;

-- An entry that was seen: it becomes an article once.
CREATE TABLE source_items (
    source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    -- SHA-256 of its id, or of its address where it has none.
    key BLOB NOT NULL,
    -- NULL: it was there before the source was, or its article is gone.
    article_id INTEGER REFERENCES articles (id) ON DELETE SET NULL,
    -- Of the article when the entry was last taken over.
    article_version INTEGER NOT NULL,
    -- SHA-256 of what the entry said.
    content BLOB NOT NULL,
    -- It changed there, and had been edited here: since when.
    changed_at INTEGER,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (source_id, key)
) STRICT;

CREATE INDEX source_items_by_article ON source_items (article_id);
