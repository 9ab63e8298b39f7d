-- Addresses that no import brings to a newsletter, as keyed hashes: their owners said no before they ever confirmed, or have
-- another address by now. No sign-up asks it; confirming removes the row.
CREATE TABLE objections (
    address_hash BYTEA NOT NULL,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (address_hash, newsletter_id)
);
