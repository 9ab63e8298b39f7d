-- SHA-256 of what the mail of a proposal showed, in hexadecimal; empty: there was none, or it is of before this was kept.
ALTER TABLE digest_runs ADD COLUMN proposed_content TEXT NOT NULL DEFAULT '';
