-- What failed of a mailing, so that its page and its ledger need not walk everybody to whom it was sent. A row that is Sent
-- is not in it: sending costs nothing more.
CREATE INDEX deliveries_failed ON deliveries (mailing_id, outcome, subscriber_id)
    WHERE outcome IN ('bounced', 'expired', 'uncertain', 'skipped');
