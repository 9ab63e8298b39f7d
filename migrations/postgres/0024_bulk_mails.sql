-- Mails that come by the thousand (an import that asks, reminders, the welcome series) wait for those for which somebody waits.
ALTER TABLE outbox ADD COLUMN is_bulk BOOLEAN NOT NULL DEFAULT FALSE;

DROP INDEX outbox_queued;
CREATE INDEX outbox_queued ON outbox (is_bulk, due_at, id) WHERE status = 'queued';
