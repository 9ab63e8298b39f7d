-- Signing keys of domains, periods that were set at the desk, and when what was last forgotten.

-- Keys that sign mail (DKIM), made at the desk.
CREATE TABLE dkim_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Of the senders: as A-labels, lower case. It signs for what is under it, too.
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
    -- What the TXT record says: the public half.
    record TEXT NOT NULL,
    -- The private half, sealed with a key of the installation's secret for this domain and selector alone.
    sealed_key BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'signing', 'retired')),
    -- Since when it is in this state.
    state_at INTEGER NOT NULL,
    -- When its record was last seen in DNS; NULL: never.
    seen_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (domain, selector)
) STRICT;

-- Of two of a kind the newer signs, and the older only waits until no mail is on its way any more.
CREATE UNIQUE INDEX dkim_keys_signing ON dkim_keys (domain, algorithm) WHERE state = 'signing';

-- The public halves of the keys of the configuration, as the last process that began to send found them: for pages of
-- processes that do not send, and for the checks of an issue.
CREATE TABLE configured_dkim_keys (
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
    record TEXT NOT NULL,
    PRIMARY KEY (domain, selector)
) STRICT;

-- Periods that are set at the desk; one without a row is that of the configuration.
CREATE TABLE retention_periods (
    period TEXT NOT NULL PRIMARY KEY CHECK (period IN ('evidence', 'single_mails', 'replies', 'departures', 'counts', 'clicks', 'audit')),
    days INTEGER NOT NULL
) STRICT;

-- When what had its period was last forgotten.
CREATE TABLE retention_runs (
    period TEXT NOT NULL PRIMARY KEY CHECK (period IN ('evidence', 'single_mails', 'replies', 'departures', 'counts', 'clicks', 'audit')),
    ran_at INTEGER NOT NULL,
    -- The last run in which something went, and how much; NULL: none yet.
    removed_at INTEGER,
    removed INTEGER NOT NULL
) STRICT;
