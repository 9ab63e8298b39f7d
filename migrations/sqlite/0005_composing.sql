-- Composing and checking an issue: themes, sections, approval, what was sent in spite of an error, and groups for test
-- mails.

ALTER TABLE newsletters ADD COLUMN theme TEXT NOT NULL DEFAULT 'letter' CHECK (theme IN ('letter', 'magazine', 'note'));

-- Whether an issue goes out only when somebody else than who wrote it has approved it.
ALTER TABLE newsletters ADD COLUMN needs_approval INTEGER NOT NULL DEFAULT FALSE;

-- NULL: that of the newsletter.
ALTER TABLE issues ADD COLUMN theme TEXT CHECK (theme IN ('letter', 'magazine', 'note'));

ALTER TABLE issues ADD COLUMN outro TEXT NOT NULL DEFAULT '';

-- Who saved it last in the desk; NULL: the command line.
ALTER TABLE issues ADD COLUMN edited_by INTEGER REFERENCES users (id) ON DELETE SET NULL;

-- Stands above the article and those that follow it; empty: the section goes on.
ALTER TABLE issue_articles ADD COLUMN heading TEXT NOT NULL DEFAULT '';

-- Somebody approved an issue as it was then: `content` is a SHA-256 of all that it is made of, in hexadecimal.
CREATE TABLE issue_approvals (
    issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issue_id, user_id)
) STRICT;

-- An error of the check in spite of which a mailing was scheduled.
CREATE TABLE mailing_overrides (
    mailing_id INTEGER NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    finding TEXT NOT NULL,
    words TEXT NOT NULL,
    reason TEXT NOT NULL,
    user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, position)
) STRICT;

-- Colleagues who get test mails together. Addresses are separated by line ends.
CREATE TABLE test_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    newsletter_id INTEGER NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    addresses TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (newsletter_id, name)
) STRICT;

-- What a web address answered when it was last looked at. An HTTP status, or 0 where there was no answer.
CREATE TABLE link_checks (
    url TEXT NOT NULL PRIMARY KEY,
    verdict TEXT NOT NULL CHECK (verdict IN ('fine', 'gone', 'unreachable', 'unsure')),
    status INTEGER NOT NULL,
    octets INTEGER,
    checked_at INTEGER NOT NULL
) STRICT;
