-- An article that was put away: no list offers it any more. Where it was sent and where it can be read it stays.
ALTER TABLE articles ADD COLUMN archived_at INTEGER;
