-- Sign-ups that nobody confirmed, the oldest first: found each hour without walking everybody.
CREATE INDEX subscriptions_unconfirmed ON subscriptions (created_at, id) WHERE confirmed_at IS NULL;
