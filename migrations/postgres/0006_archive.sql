-- The archive on the web: who may find it, what a search in it looks in, and under which short names articles were known.

-- Whether the issues of a newsletter can be found by everybody, by those who have the address, or not at all.
ALTER TABLE newsletters ADD COLUMN archive TEXT NOT NULL DEFAULT 'unlisted'
    CHECK (archive IN ('public', 'unlisted', 'off'));

-- What a search looks in: subject, preheader and text of a mailing, in lower case.
CREATE TABLE archive_texts (
    mailing_id BIGINT NOT NULL REFERENCES mailings (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    search_text TEXT NOT NULL,
    PRIMARY KEY (mailing_id, language)
);

INSERT INTO archive_texts (mailing_id, language, search_text)
SELECT c.mailing_id, c.language, lower(substr(i.subject || chr(10) || i.preheader || chr(10) || c.text, 1, 50000))
FROM mailing_contents c JOIN mailings m ON m.id = c.mailing_id JOIN issues i ON i.id = m.issue_id;

-- The archive reads a newsletter's mailings from the newest on.
CREATE INDEX mailings_by_start ON mailings (newsletter_id, started_at);

-- Every short name that an article has had: a link in a mail leads to it for years, whatever it is called by then.
CREATE TABLE article_slugs (
    slug TEXT NOT NULL PRIMARY KEY,
    article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE
);

CREATE INDEX article_slugs_by_article ON article_slugs (article_id);

INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM articles;
