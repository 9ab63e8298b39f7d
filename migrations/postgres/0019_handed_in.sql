-- The SHA-256 of what was handed in last, word by word: what comes again unchanged is recognised without fetching its pictures.
ALTER TABLE external_articles ADD COLUMN content BYTEA NOT NULL DEFAULT '';
