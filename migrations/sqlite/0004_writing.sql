-- Writing: versions of articles, who has one open, tags, translations, and images.

-- The article that this one translates; NULL: it is the first of its family.
ALTER TABLE articles ADD COLUMN original_id INTEGER REFERENCES articles (id);

-- One article of a family in each language; that of the first is held by the verb.
CREATE UNIQUE INDEX articles_one_translation ON articles (original_id, language) WHERE original_id IS NOT NULL;

-- Every save of an article. The row in articles is what readers see; of a published one, versions with a higher number
-- are what was written since and is not saved yet.
CREATE TABLE article_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    -- articles.version as it was, or will be. Autosaves that replace each other leave gaps.
    number INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('saved', 'autosaved', 'restored')),
    slug TEXT NOT NULL,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    title TEXT NOT NULL,
    author TEXT NOT NULL,
    teaser TEXT NOT NULL,
    body TEXT NOT NULL,
    canonical_url TEXT NOT NULL,
    -- Names, with commas.
    tags TEXT NOT NULL,
    -- Who saved it; NULL: nobody at the desk.
    user_id INTEGER REFERENCES users (id),
    -- Of the first of autosaves that replaced each other.
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- When readers could first see it; NULL: never.
    published_at INTEGER,
    UNIQUE (article_id, number)
) STRICT;

INSERT INTO article_versions (article_id, number, kind, slug, language, title, author, teaser, body, canonical_url, tags,
    created_at, updated_at, published_at)
SELECT id, version, 'saved', slug, language, title, author, teaser, body, canonical_url, '', updated_at, updated_at,
    CASE WHEN status = 'published' THEN published_at END
FROM articles;

-- Who has an article open. A row counts for a minute.
CREATE TABLE article_presence (
    article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (article_id, user_id)
) STRICT;

-- Words by which articles are found again.
CREATE TABLE tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The name in lower case: one word is one tag.
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE article_tags (
    article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (article_id, tag_id)
) STRICT;

CREATE INDEX article_tags_by_tag ON article_tags (tag_id, article_id);

-- Pictures of articles. The files are in the image store, under the public id.
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id BLOB NOT NULL UNIQUE,
    -- SHA-256 of the file as it was handed in: the same file is one image.
    sha256 BLOB NOT NULL UNIQUE,
    media_type TEXT NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/gif')),
    -- Of the variant for mails.
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    -- Of the variant for mails, in octets.
    octets INTEGER NOT NULL,
    -- What it shows, as last said; empty: not said, or decoration.
    alt TEXT NOT NULL,
    user_id INTEGER REFERENCES users (id),
    created_at INTEGER NOT NULL
) STRICT;
