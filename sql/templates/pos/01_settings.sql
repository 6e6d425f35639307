-- Settings of the business, and the numbers on its documents. Money is numeric(12,2) in the currency beside it.

CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := pg_catalog.now();
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_updated_at() IS 'Trigger: sets updated_at to the time of the transaction.';

CREATE TABLE settings (
  key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_.]*$'),
  value jsonb NOT NULL,
  description text NOT NULL DEFAULT '',
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE settings IS 'Settings of the whole business, by dotted key.';

CREATE TABLE document_numbers (
  kind text PRIMARY KEY CHECK (kind ~ '^[a-z][a-z0-9_]*$'),
  prefix text NOT NULL DEFAULT '',
  digits smallint NOT NULL DEFAULT 6 CHECK (digits BETWEEN 1 AND 18),
  last_number bigint NOT NULL DEFAULT 0 CHECK (last_number >= 0)
);
COMMENT ON TABLE document_numbers IS 'The last number of each kind of document. Unlike a sequence, it leaves no gap.';

CREATE FUNCTION next_document_number(document_kind text) RETURNS text
LANGUAGE sql AS $$
  UPDATE document_numbers SET last_number = last_number + 1 WHERE kind = document_kind
  RETURNING prefix || lpad(last_number::text, greatest(digits, length(last_number::text)), '0')
$$;
COMMENT ON FUNCTION next_document_number(text) IS
  'The next number of a kind of document, or null for an unknown kind. Others wait for it until the transaction ends.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON settings FOR EACH ROW EXECUTE FUNCTION set_updated_at();
