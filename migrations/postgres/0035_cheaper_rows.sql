-- To find who wants to move to an address without a walk through everybody who wants to move. Rows of before have none, and
-- expire.
ALTER TABLE address_changes ADD COLUMN new_address_key TEXT;

CREATE INDEX address_changes_by_address ON address_changes (new_address_key);

-- What a subscription and its evidence name besides a person is a handful of rows that nothing ever deletes. Each check of one
-- is a query for each row that is written, and a lock on a row that everybody names: together half of an import. That
-- such a row stays while it is named is checked where it would go.
ALTER TABLE subscriptions
    DROP CONSTRAINT subscriptions_newsletter_id_fkey,
    DROP CONSTRAINT subscriptions_form_id_fkey,
    DROP CONSTRAINT subscriptions_import_id_fkey;
ALTER TABLE consents
    DROP CONSTRAINT consents_newsletter_id_fkey,
    DROP CONSTRAINT consents_form_id_fkey,
    DROP CONSTRAINT consents_consent_text_id_fkey;

CREATE FUNCTION refuse_to_delete_what_is_named() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_named BOOLEAN;
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'newsletters' THEN
            is_named := EXISTS (SELECT 1 FROM subscriptions WHERE newsletter_id = OLD.id)
                OR EXISTS (SELECT 1 FROM consents WHERE newsletter_id = OLD.id);
        WHEN 'forms' THEN
            is_named := EXISTS (SELECT 1 FROM subscriptions WHERE form_id = OLD.id)
                OR EXISTS (SELECT 1 FROM consents WHERE form_id = OLD.id);
        WHEN 'imports' THEN
            is_named := EXISTS (SELECT 1 FROM subscriptions WHERE import_id = OLD.id);
        ELSE
            is_named := EXISTS (SELECT 1 FROM consents WHERE consent_text_id = OLD.id);
    END CASE;
    IF is_named THEN
        RAISE EXCEPTION 'subscriptions or their evidence name this row of %', TG_TABLE_NAME
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER newsletters_are_named BEFORE DELETE ON newsletters
    FOR EACH ROW EXECUTE FUNCTION refuse_to_delete_what_is_named();
CREATE TRIGGER forms_are_named BEFORE DELETE ON forms
    FOR EACH ROW EXECUTE FUNCTION refuse_to_delete_what_is_named();
CREATE TRIGGER imports_are_named BEFORE DELETE ON imports
    FOR EACH ROW EXECUTE FUNCTION refuse_to_delete_what_is_named();
CREATE TRIGGER consent_texts_are_named BEFORE DELETE ON consent_texts
    FOR EACH ROW EXECUTE FUNCTION refuse_to_delete_what_is_named();
