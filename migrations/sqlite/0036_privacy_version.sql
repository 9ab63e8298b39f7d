-- Which version of the privacy notice was linked when somebody agreed (L1); empty: nobody said.
ALTER TABLE newsletters ADD COLUMN privacy_version TEXT NOT NULL DEFAULT '';
ALTER TABLE consents ADD COLUMN privacy_version TEXT NOT NULL DEFAULT '';
