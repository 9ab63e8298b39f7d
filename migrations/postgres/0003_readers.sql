-- Everything that a visitor and a subscriber meets: forms with fields of their own, topics, rhythm, pauses, the welcome
-- series, and the evidence of each.

-- Where the company says what it does with personal data; empty: nowhere.
ALTER TABLE newsletters ADD COLUMN privacy_url TEXT NOT NULL DEFAULT '';

-- A door of a newsletter: its hosted page, the form on a website, the API. Each newsletter has one from the start.
CREATE TABLE forms (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id UUID NOT NULL UNIQUE,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    name TEXT NOT NULL,
    -- The form of the newsletter's own page.
    is_default BOOLEAN NOT NULL,
    -- Counts the changes: consents say which one they were given on.
    version BIGINT NOT NULL,
    -- Origins of websites whose scripts may use the API, one a line.
    allowed_origins TEXT NOT NULL,
    -- Where a plain form leads after a sign-up; empty: to our page.
    redirect_url TEXT NOT NULL,
    disposable_policy TEXT NOT NULL CHECK (disposable_policy IN ('allow', 'flag', 'refuse')),
    proof_policy TEXT NOT NULL CHECK (proof_policy IN ('auto', 'always', 'never')),
    -- Until then a proof of work is asked for, because the form is under attack.
    proof_until BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Takes no more sign-ups.
    archived_at BIGINT
);

CREATE INDEX forms_by_newsletter ON forms (newsletter_id, id);

CREATE UNIQUE INDEX forms_one_default ON forms (newsletter_id) WHERE is_default;

INSERT INTO forms (public_id, newsletter_id, name, is_default, version, allowed_origins, redirect_url,
    disposable_policy, proof_policy, created_at, updated_at)
SELECT gen_random_uuid(), id, name, TRUE, 1, '', '', 'allow', 'auto', created_at, created_at FROM newsletters;

-- What a newsletter asks for beyond address, name and language.
CREATE TABLE fields (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    key TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'choice', 'number', 'date', 'yes_no')),
    -- Most characters of a text.
    max_length BIGINT,
    -- Bounds of a number.
    least BIGINT,
    most BIGINT,
    -- Values of a choice, one a line.
    options TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    archived_at BIGINT,
    UNIQUE (newsletter_id, key)
);

CREATE TABLE field_texts (
    field_id BIGINT NOT NULL REFERENCES fields (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    label TEXT NOT NULL,
    hint TEXT NOT NULL,
    -- Labels of the values of a choice, one a line, in their order.
    options TEXT NOT NULL,
    PRIMARY KEY (field_id, language)
);

CREATE TABLE form_fields (
    form_id BIGINT NOT NULL REFERENCES forms (id) ON DELETE CASCADE,
    field_id BIGINT NOT NULL REFERENCES fields (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    is_required BOOLEAN NOT NULL,
    PRIMARY KEY (form_id, field_id)
);

CREATE TABLE subscription_values (
    subscription_id BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    field_id BIGINT NOT NULL REFERENCES fields (id) ON DELETE CASCADE,
    -- Canonical: a date as 2026-11-26, a number in decimal digits, yes or no.
    value TEXT NOT NULL,
    PRIMARY KEY (subscription_id, field_id)
);

-- What a newsletter is about: subscribers choose, an issue may have one.
CREATE TABLE topics (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    key TEXT NOT NULL,
    position BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    archived_at BIGINT,
    UNIQUE (newsletter_id, key)
);

CREATE TABLE topic_texts (
    topic_id BIGINT NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (topic_id, language)
);

CREATE TABLE subscription_topics (
    subscription_id BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    topic_id BIGINT NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
    -- Chosen when. A mailing that had started before does not reach this reader.
    since BIGINT NOT NULL,
    PRIMARY KEY (subscription_id, topic_id)
);

CREATE INDEX subscription_topics_by_topic ON subscription_topics (topic_id, subscription_id);

-- The topic of an issue; none: it is for everyone.
ALTER TABLE issues ADD COLUMN topic_id BIGINT REFERENCES topics (id);
-- As it was when the issue was scheduled.
ALTER TABLE mailings ADD COLUMN topic_id BIGINT REFERENCES topics (id);

-- How often a subscriber wants mail: each issue, or a digest a month.
ALTER TABLE subscriptions ADD COLUMN rhythm TEXT NOT NULL DEFAULT 'each' CHECK (rhythm IN ('each', 'monthly'));
-- No issue before this moment.
ALTER TABLE subscriptions ADD COLUMN paused_until BIGINT;
-- Since when the subscription is part of the audience of issues: not while it is pending, paused, monthly or left.
ALTER TABLE subscriptions ADD COLUMN audience_since BIGINT;
-- When the reader agreed that opens and clicks are counted for this person; NULL: never, or withdrawn.
ALTER TABLE subscriptions ADD COLUMN tracking_since BIGINT;
-- The form that the sign-up came through.
ALTER TABLE subscriptions ADD COLUMN form_id BIGINT REFERENCES forms (id);
-- Of the one reminder to confirm; NULL: none was sent.
ALTER TABLE subscriptions ADD COLUMN reminded_at BIGINT;
-- The domain of the address is one of throw-away mailboxes.
ALTER TABLE subscriptions ADD COLUMN is_disposable BOOLEAN NOT NULL DEFAULT FALSE;

UPDATE subscriptions SET audience_since = confirmed_at WHERE status = 'confirmed';

CREATE INDEX subscriptions_pending ON subscriptions (created_at) WHERE status = 'pending';

-- Whose evidence may have had its time.
CREATE INDEX subscriptions_left ON subscriptions (unsubscribed_at) WHERE status = 'unsubscribed';

CREATE INDEX subscriptions_paused ON subscriptions (paused_until) WHERE paused_until IS NOT NULL;

-- Evidence says which form, in which version, and how the visitor came there.
ALTER TABLE consents DROP CONSTRAINT consents_event_check;

ALTER TABLE consents ADD CONSTRAINT consents_event_check
    CHECK (event IN ('requested', 'confirmed', 'withdrawn', 'restored', 'tracking_given', 'tracking_withdrawn', 'address_changed'));

ALTER TABLE consents ADD COLUMN form_id BIGINT REFERENCES forms (id);
ALTER TABLE consents ADD COLUMN form_version BIGINT;
-- The page before the one with the form.
ALTER TABLE consents ADD COLUMN referrer TEXT NOT NULL DEFAULT '';
-- utm_source=..&utm_medium=..: only the five known names, each value once.
ALTER TABLE consents ADD COLUMN utm TEXT NOT NULL DEFAULT '';
-- The privacy text that was linked then.
ALTER TABLE consents ADD COLUMN privacy_url TEXT NOT NULL DEFAULT '';

-- Why someone left, if they said so.
CREATE TABLE departures (
    subscription_id BIGINT NOT NULL PRIMARY KEY REFERENCES subscriptions (id) ON DELETE CASCADE,
    reason TEXT NOT NULL CHECK (reason IN ('too_many', 'not_relevant', 'never_asked', 'looks_bad', 'other')),
    remark TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- A new address that waits for the press of a button in the mail to it. The token is kept as its SHA-256 only.
CREATE TABLE address_changes (
    hash BYTEA NOT NULL PRIMARY KEY,
    subscriber_id BIGINT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    new_address TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE INDEX address_changes_by_subscriber ON address_changes (subscriber_id);

-- Sign-ups of a form in an hour (its number since 1970-01-01 UTC), to see an attack.
CREATE TABLE signup_counts (
    form_id BIGINT NOT NULL REFERENCES forms (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    PRIMARY KEY (form_id, hour)
);

-- Proofs of work that were handed in: each counts once.
CREATE TABLE used_proofs (
    hash BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE INDEX used_proofs_by_end ON used_proofs (expires_at);

-- The welcome series: mails so many days after confirming. Day 0 is the welcome mail.
CREATE TABLE welcome_steps (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    newsletter_id BIGINT NOT NULL REFERENCES newsletters (id),
    days BIGINT NOT NULL CHECK (days >= 0),
    -- Since when it is sent; NULL: not. Whoever is past its day by then does not get it.
    active_since BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- One mail a day.
CREATE UNIQUE INDEX welcome_steps_by_newsletter ON welcome_steps (newsletter_id, days);

CREATE TABLE welcome_step_texts (
    step_id BIGINT NOT NULL REFERENCES welcome_steps (id) ON DELETE CASCADE,
    language TEXT NOT NULL CHECK (language IN ('nl', 'en', 'fr', 'de')),
    subject TEXT NOT NULL,
    preheader TEXT NOT NULL,
    -- Markdown; before the article, where there is one.
    body TEXT NOT NULL,
    article_id BIGINT REFERENCES articles (id),
    PRIMARY KEY (step_id, language)
);

-- The row before the mail: nobody gets a step twice.
CREATE TABLE welcome_sent (
    subscription_id BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    step_id BIGINT NOT NULL REFERENCES welcome_steps (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    PRIMARY KEY (subscription_id, step_id)
);

CREATE INDEX welcome_sent_by_step ON welcome_sent (step_id);

CREATE INDEX subscriptions_by_confirmation ON subscriptions (newsletter_id, confirmed_at) WHERE status = 'confirmed';

-- More kinds of single mails.
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;

ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('confirm', 'reminder', 'already_subscribed', 'welcome', 'manage', 'address_change', 'address_changed', 'test', 'alert'));

ALTER TABLE outbox ADD COLUMN welcome_step_id BIGINT REFERENCES welcome_steps (id) ON DELETE CASCADE;

-- When the replies of its deliveries were forgotten; NULL: they are kept still.
ALTER TABLE mailings ADD COLUMN replies_forgotten_at BIGINT;
