-- What a reader chose anew, without what it was before: the story of a person tells it.
CREATE TABLE subscription_changes (
    id INTEGER PRIMARY KEY,
    subscription_id INTEGER NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    what TEXT NOT NULL CHECK (what IN ('language', 'rhythm', 'topics', 'pause', 'resume')),
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX subscription_changes_by_subscription ON subscription_changes (subscription_id);
