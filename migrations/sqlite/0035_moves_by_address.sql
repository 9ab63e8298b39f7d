-- To find who wants to move to an address without a walk through everybody who wants to move. Rows of before have none, and
-- expire.
ALTER TABLE address_changes ADD COLUMN new_address_key TEXT;

CREATE INDEX address_changes_by_address ON address_changes (new_address_key);
