-- Rows of an import of people who left elsewhere and are still subscribed here, or were asked to confirm.
ALTER TABLE imports ADD COLUMN still_subscribed INTEGER NOT NULL DEFAULT 0;
