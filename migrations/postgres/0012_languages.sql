-- Issues in several languages, and two subjects that are tried on a part of an audience.

-- The words of an issue in another language than that of its newsletter. Who reads that language gets it so.
CREATE TABLE issue_translations (
    issue_id BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    subject TEXT NOT NULL,
    second_subject TEXT NOT NULL,
    preheader TEXT NOT NULL,
    intro TEXT NOT NULL,
    outro TEXT NOT NULL,
    -- Counts the saves: of two people who change it at once the second is told.
    version BIGINT NOT NULL,
    PRIMARY KEY (issue_id, language)
);

-- The heading of a section in that language; the article is that of the issue, not its translation.
CREATE TABLE issue_translation_headings (
    issue_id BIGINT NOT NULL,
    language TEXT NOT NULL,
    article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    heading TEXT NOT NULL,
    PRIMARY KEY (issue_id, language, article_id),
    FOREIGN KEY (issue_id, language) REFERENCES issue_translations (issue_id, language) ON DELETE CASCADE
);

-- Empty: there is one subject, and the other columns say nothing.
ALTER TABLE issues ADD COLUMN second_subject TEXT NOT NULL DEFAULT '';
-- Percent of the audience that gets one of the two subjects first, half of them each.
ALTER TABLE issues ADD COLUMN trial_share BIGINT NOT NULL DEFAULT 20 CHECK (trial_share BETWEEN 2 AND 50);
-- How the winner is found, and by clicks after how many hours.
ALTER TABLE issues ADD COLUMN trial_by TEXT NOT NULL DEFAULT 'choice' CHECK (trial_by IN ('choice', 'clicks'));
ALTER TABLE issues ADD COLUMN trial_hours BIGINT NOT NULL DEFAULT 4;

-- Frozen with the mailing; a share of 0: there is no trial.
ALTER TABLE mailings ADD COLUMN trial_share BIGINT NOT NULL DEFAULT 0;
ALTER TABLE mailings ADD COLUMN trial_by TEXT NOT NULL DEFAULT 'choice' CHECK (trial_by IN ('choice', 'clicks'));
ALTER TABLE mailings ADD COLUMN trial_hours BIGINT NOT NULL DEFAULT 0;
-- What everybody else gets; NULL: not known yet.
ALTER TABLE mailings ADD COLUMN winner TEXT CHECK (winner IN ('first', 'second'));

ALTER TABLE mailing_contents ADD COLUMN second_subject TEXT NOT NULL DEFAULT '';

-- Empty: mailed in the issue's own language; else only to the readers of this one.
ALTER TABLE mailing_articles ADD COLUMN language TEXT NOT NULL DEFAULT '' CHECK (language IN ('', 'nl', 'en', 'fr', 'de'));

-- What colleagues were asked by mail to approve, as SHA-256 in hexadecimal: for an issue as it is they are asked once.
ALTER TABLE issues ADD COLUMN approval_asked TEXT NOT NULL DEFAULT '';
