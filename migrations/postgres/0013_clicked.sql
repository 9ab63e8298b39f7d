-- Who clicked in a mailing, for segments.
CREATE INDEX reader_hits_by_mailing ON reader_hits (mailing_id, subscription_id);
