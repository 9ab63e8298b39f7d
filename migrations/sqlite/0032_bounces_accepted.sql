-- Somebody who saw how many bounced had the mailing go on: it is not paused for that again, whatever it is paused for later.
ALTER TABLE mailings ADD COLUMN are_bounces_accepted INTEGER NOT NULL DEFAULT FALSE;

UPDATE mailings SET are_bounces_accepted = TRUE WHERE pause_reason = 'bounces' AND status <> 'paused';
