-- What came of an issue: which links were followed, who left after it, how a newsletter grows. Totals are kept as they
-- happen, so that no page counts rows.

-- Whether clicks and opens are counted: not, for all together, or for each reader who agrees.
ALTER TABLE newsletters ADD COLUMN tracking TEXT NOT NULL DEFAULT 'off' CHECK (tracking IN ('off', 'aggregate', 'person'));
-- As it was when the issue was scheduled.
ALTER TABLE mailings ADD COLUMN tracking TEXT NOT NULL DEFAULT 'off' CHECK (tracking IN ('off', 'aggregate', 'person'));
-- The mailing that somebody who left had received last.
ALTER TABLE subscriptions ADD COLUMN left_after BIGINT;

-- The links of a mailing, frozen with it. A tracked link names its row, and the row says where it leads.
CREATE TABLE mailing_links (
    mailing_id BIGINT NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    url TEXT NOT NULL,
    -- Under which heading of the mail it stands; empty: before the first.
    heading TEXT NOT NULL,
    label TEXT NOT NULL,
    clicks BIGINT NOT NULL DEFAULT 0,
    machine_clicks BIGINT NOT NULL DEFAULT 0,
    -- How many of those who agreed to be counted have followed it.
    readers BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (mailing_id, number)
);

-- No reference to mailings in what is counted: it would take a lock for which senders wait.
CREATE TABLE mailing_counts (
    mailing_id BIGINT NOT NULL PRIMARY KEY,
    clicks BIGINT NOT NULL DEFAULT 0,
    machine_clicks BIGINT NOT NULL DEFAULT 0,
    opens BIGINT NOT NULL DEFAULT 0,
    machine_opens BIGINT NOT NULL DEFAULT 0,
    click_readers BIGINT NOT NULL DEFAULT 0,
    open_readers BIGINT NOT NULL DEFAULT 0,
    -- Who left with this as the last that they had received.
    departures BIGINT NOT NULL DEFAULT 0
);

-- The same hour by hour (its number since 1970-01-01 UTC).
CREATE TABLE mailing_hours (
    mailing_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    clicks BIGINT NOT NULL,
    machine_clicks BIGINT NOT NULL,
    opens BIGINT NOT NULL,
    machine_opens BIGINT NOT NULL,
    PRIMARY KEY (mailing_id, hour)
);

-- By which rule a hit counts as a machine's, or as a person's.
CREATE TABLE mailing_rules (
    mailing_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('click', 'open')),
    rule TEXT NOT NULL CHECK (rule IN ('human', 'head', 'prefetch', 'scanner', 'soon', 'burst')),
    hits BIGINT NOT NULL,
    PRIMARY KEY (mailing_id, kind, rule)
);

-- What one reader who agreed has opened and followed. Number 0 is the mail itself.
CREATE TABLE reader_hits (
    subscription_id BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    mailing_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    hits BIGINT NOT NULL,
    machine_hits BIGINT NOT NULL,
    PRIMARY KEY (subscription_id, mailing_id, number)
);

CREATE INDEX reader_hits_by_time ON reader_hits (last_at);

-- Who came and went in an hour (its number since 1970-01-01 UTC).
CREATE TABLE newsletter_hours (
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    departed BIGINT NOT NULL,
    PRIMARY KEY (newsletter_id, hour)
);

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
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (newsletter_id, user_id)
);

-- The row before the mail: no month is summed up twice. The month is its year times 100 and its number.
CREATE TABLE summaries (
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    month BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (newsletter_id, month)
);
