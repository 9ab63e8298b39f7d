-- The address of a piece on the web: a feed must not make a second article of what another, or the same one before, has made.
-- Hashed: an address may be longer than a row of another index.
CREATE INDEX articles_by_canonical_url ON articles USING hash (canonical_url) WHERE canonical_url <> '';
