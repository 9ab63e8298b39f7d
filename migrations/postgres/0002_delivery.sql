-- Several relays, destinations that are limited one by one, and what people may do with a mailing.

-- The relay that is asked first, by its name in the configuration; empty: any.
ALTER TABLE newsletters ADD COLUMN relay TEXT NOT NULL DEFAULT '';
-- Empty: as fast as relays and destinations take it.
ALTER TABLE newsletters ADD COLUMN mails_per_hour BIGINT CHECK (mails_per_hour > 0);

-- From when a mailing's retries are counted: its start, or when someone resumed it or had it sent again.
ALTER TABLE mailings ADD COLUMN retry_from BIGINT;
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
    day BIGINT NOT NULL,
    mails BIGINT NOT NULL,
    PRIMARY KEY (destination, day)
);

-- Alerts are single mails too.
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;

ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('confirm', 'already_subscribed', 'test', 'alert'));
