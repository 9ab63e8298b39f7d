-- A reader agrees to opens and to clicks apart. Who had agreed to both keeps both, since the same moment; what proves it is the
-- one event of then.
ALTER TABLE subscriptions RENAME COLUMN tracking_since TO opens_since;

-- When the reader agreed that clicks are counted for this person; NULL: never, or withdrawn. The one above is that of opens.
ALTER TABLE subscriptions ADD COLUMN clicks_since INTEGER;

UPDATE subscriptions SET clicks_since = opens_since WHERE opens_since IS NOT NULL;

-- Each has events of its own. SQLite cannot change a CHECK: the table is made anew.
CREATE TABLE new_consents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    event TEXT NOT NULL CHECK (event IN ('requested', 'confirmed', 'withdrawn', 'restored', 'tracking_given', 'tracking_withdrawn', 'opens_given', 'opens_withdrawn', 'clicks_given', 'clicks_withdrawn', 'address_changed', 'imported')),
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
