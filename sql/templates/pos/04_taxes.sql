-- Taxes on sales.

CREATE TABLE tax_categories (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL
);
COMMENT ON TABLE tax_categories IS 'Kinds of goods that are taxed alike: standard, reduced, zero, exempt.';

CREATE TABLE tax_rates (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tax_category_id bigint NOT NULL REFERENCES tax_categories (id) ON DELETE RESTRICT,
  country_code char(2) NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'),
  region text NOT NULL DEFAULT '',
  name text NOT NULL,
  rate numeric(7,4) NOT NULL CHECK (rate BETWEEN 0 AND 100),
  valid_from date NOT NULL DEFAULT '2000-01-01',
  valid_to date,
  CHECK (valid_to > valid_from),
  UNIQUE (tax_category_id, country_code, region, name, valid_from)
);
COMMENT ON TABLE tax_rates IS 'What a category pays in a country or region, and when. Old rates stay for old documents.';
COMMENT ON COLUMN tax_rates.rate IS 'Percent.';
COMMENT ON COLUMN tax_rates.valid_to IS 'The first day on which it no longer holds; null is open.';
