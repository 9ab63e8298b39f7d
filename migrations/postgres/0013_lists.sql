-- Who clicked in a mailing, for segments.
CREATE INDEX reader_hits_by_mailing ON reader_hits (mailing_id, subscription_id);

-- As before, and whether somebody gets issues: the audience of a filter is counted without the rows.
DROP INDEX subscriptions_to_filter;
CREATE INDEX subscriptions_to_filter ON subscriptions
    (newsletter_id, id, status, language, form_id, import_id, created_at, subscriber_id, audience_since, monthly_since);

-- A language that few read is found without walking everybody.
CREATE INDEX subscriptions_by_language ON subscriptions (newsletter_id, language, id);

-- As before, and who answered so.
DROP INDEX subscription_values_by_value;
CREATE INDEX subscription_values_by_value ON subscription_values (field_id, value, subscription_id);
