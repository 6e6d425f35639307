-- What a database needs for the version and those before it; null where nobody has looked yet.
ALTER TABLE template_versions ADD COLUMN extensions text[];
