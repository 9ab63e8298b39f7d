-- Addresses that no import brings to a newsletter, as keyed hashes: their owners said no before they ever confirmed, or have
-- another address by now. No sign-up asks it; confirming removes the row.
CREATE TABLE objections (
    address_hash BLOB NOT NULL,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (address_hash, newsletter_id)
) STRICT, WITHOUT ROWID;
