-- Who buys.

CREATE TABLE customer_groups (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  discount_percent numeric(5,2) NOT NULL DEFAULT 0 CHECK (discount_percent BETWEEN 0 AND 100)
);
COMMENT ON TABLE customer_groups IS 'Customers who are priced alike: retail, trade, staff.';

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_number text UNIQUE,
  group_id bigint REFERENCES customer_groups (id) ON DELETE SET NULL,
  first_name text,
  last_name text,
  company text,
  email text CHECK (email LIKE '%_@_%'),
  phone text,
  tax_number text,
  born_on date,
  credit_limit numeric(12,2) NOT NULL DEFAULT 0 CHECK (credit_limit >= 0),
  accepts_marketing boolean NOT NULL DEFAULT false,
  notes text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(first_name, last_name, company) > 0)
);
CREATE INDEX customers_by_group ON customers (group_id);
CREATE INDEX customers_by_name ON customers (lower(last_name), lower(first_name));
CREATE INDEX customers_by_email ON customers (lower(email));
CREATE INDEX customers_by_phone ON customers (phone);
COMMENT ON TABLE customers IS 'People and companies; a sale over the counter needs none.';

CREATE TABLE customer_addresses (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  kind text NOT NULL DEFAULT 'billing' CHECK (kind IN ('billing', 'shipping')),
  recipient text,
  line1 text NOT NULL,
  line2 text,
  postal_code text,
  city text NOT NULL,
  region text,
  country_code char(2) NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'),
  is_default boolean NOT NULL DEFAULT false
);
CREATE INDEX customer_addresses_by_customer ON customer_addresses (customer_id);
CREATE UNIQUE INDEX customer_addresses_default_key ON customer_addresses (customer_id, kind) WHERE is_default;
COMMENT ON TABLE customer_addresses IS 'Where to send bills and goods; one default of each kind.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION set_updated_at();
