-- Under which the address of a single mail is compared: whoever is erased is looked for in every spelling, without reading all
-- mails. Of older mails to an address that is not ASCII only Rust can say it: they stay NULL, and go with their period.
ALTER TABLE outbox ADD COLUMN to_key TEXT;

UPDATE outbox SET to_key = lower(to_address) WHERE to_address IS NOT NULL AND octet_length(to_address) = char_length(to_address);

CREATE INDEX outbox_by_address ON outbox (to_key) WHERE to_address IS NOT NULL;

-- What was typed at the sign-up that a mail answers (JSON), until somebody confirms: the button in it confirms that, and not
-- what a stranger typed later.
ALTER TABLE tokens ADD COLUMN profile TEXT;
