-- An answer in lower case as Rust folds it, in which "contains" looks: SQLite folds the letters of ASCII only, PostgreSQL
-- those of its locale. NULL: of before, and filled by the background.
ALTER TABLE subscription_values ADD COLUMN value_key TEXT;

CREATE INDEX subscription_values_to_key ON subscription_values (subscription_id, field_id) WHERE value_key IS NULL;
