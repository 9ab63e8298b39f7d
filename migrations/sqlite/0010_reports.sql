-- What came of an issue: which links were followed, who left after it, how a newsletter grows. Totals are kept as they
-- happen, so that no page counts rows.

-- Whether clicks and opens are counted: not, for all together, or for each reader who agrees.
ALTER TABLE newsletters ADD COLUMN tracking TEXT NOT NULL DEFAULT 'off' CHECK (tracking IN ('off', 'aggregate', 'person'));
-- As it was when the issue was scheduled.
ALTER TABLE mailings ADD COLUMN tracking TEXT NOT NULL DEFAULT 'off' CHECK (tracking IN ('off', 'aggregate', 'person'));
-- The mailing that somebody who left had received last.
ALTER TABLE subscriptions ADD COLUMN left_after INTEGER;

-- The links of a mailing, frozen with it. A tracked link names its row, and the row says where it leads.
CREATE TABLE mailing_links (
    mailing_id INTEGER NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    url TEXT NOT NULL,
    -- Under which heading of the mail it stands; empty: before the first.
    heading TEXT NOT NULL,
    label TEXT NOT NULL,
    clicks INTEGER NOT NULL DEFAULT 0,
    machine_clicks INTEGER NOT NULL DEFAULT 0,
    -- How many of those who agreed to be counted have followed it.
    readers INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (mailing_id, number)
) STRICT, WITHOUT ROWID;

-- No reference to mailings in what is counted: it would take a lock for which senders wait.
CREATE TABLE mailing_counts (
    mailing_id INTEGER NOT NULL PRIMARY KEY,
    clicks INTEGER NOT NULL DEFAULT 0,
    machine_clicks INTEGER NOT NULL DEFAULT 0,
    opens INTEGER NOT NULL DEFAULT 0,
    machine_opens INTEGER NOT NULL DEFAULT 0,
    click_readers INTEGER NOT NULL DEFAULT 0,
    open_readers INTEGER NOT NULL DEFAULT 0,
    -- Who left with this as the last that they had received.
    departures INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The same hour by hour (its number since 1970-01-01 UTC).
CREATE TABLE mailing_hours (
    mailing_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    machine_clicks INTEGER NOT NULL,
    opens INTEGER NOT NULL,
    machine_opens INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, hour)
) STRICT, WITHOUT ROWID;

-- By which rule a hit counts as a machine's, or as a person's.
CREATE TABLE mailing_rules (
    mailing_id INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('click', 'open')),
    rule TEXT NOT NULL CHECK (rule IN ('human', 'head', 'prefetch', 'scanner', 'soon', 'burst')),
    hits INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, kind, rule)
) STRICT, WITHOUT ROWID;

-- What one reader who agreed has opened and followed. Number 0 is the mail itself.
CREATE TABLE reader_hits (
    subscription_id INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    mailing_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    machine_hits INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, mailing_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX reader_hits_by_time ON reader_hits (last_at);

-- Who came and went in an hour (its number since 1970-01-01 UTC).
CREATE TABLE newsletter_hours (
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    departed INTEGER NOT NULL,
    PRIMARY KEY (newsletter_id, hour)
) STRICT, WITHOUT ROWID;

INSERT INTO newsletter_hours (newsletter_id, hour, confirmed, departed)
SELECT e.newsletter_id, e.hour, SUM(e.confirmed), SUM(e.departed) FROM (
    SELECT newsletter_id, confirmed_at / 3600000 AS hour, 1 AS confirmed, 0 AS departed FROM subscriptions
        WHERE confirmed_at IS NOT NULL
    UNION ALL
    SELECT newsletter_id, unsubscribed_at / 3600000, 0, 1 FROM subscriptions
        WHERE confirmed_at IS NOT NULL AND status = 'unsubscribed' AND unsubscribed_at IS NOT NULL) e
GROUP BY e.newsletter_id, e.hour;

-- Which users get the summary of a month by mail.
CREATE TABLE summary_readers (
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (newsletter_id, user_id)
) STRICT, WITHOUT ROWID;

-- The row before the mail: no month is summed up twice. The month is its year times 100 and its number.
CREATE TABLE summaries (
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    month INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (newsletter_id, month)
) STRICT, WITHOUT ROWID;
