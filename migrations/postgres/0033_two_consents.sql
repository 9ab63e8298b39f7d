-- A reader agrees to opens and to clicks apart. Who had agreed to both keeps both, since the same moment; what proves it is the
-- one event of then.
ALTER TABLE subscriptions RENAME COLUMN tracking_since TO opens_since;

-- When the reader agreed that clicks are counted for this person; NULL: never, or withdrawn. The one above is that of opens.
ALTER TABLE subscriptions ADD COLUMN clicks_since BIGINT;

UPDATE subscriptions SET clicks_since = opens_since WHERE opens_since IS NOT NULL;

-- Each has events of its own.
ALTER TABLE consents DROP CONSTRAINT consents_event_check;

ALTER TABLE consents ADD CONSTRAINT consents_event_check CHECK (event IN ('requested', 'confirmed', 'withdrawn', 'restored', 'tracking_given', 'tracking_withdrawn', 'opens_given', 'opens_withdrawn', 'clicks_given', 'clicks_withdrawn', 'address_changed', 'imported'));
