-- What is for sale.

CREATE TABLE categories (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  parent_id bigint REFERENCES categories (id) ON DELETE RESTRICT,
  slug text NOT NULL UNIQUE,
  name text NOT NULL,
  position integer NOT NULL DEFAULT 0,
  is_active boolean NOT NULL DEFAULT true,
  CHECK (parent_id <> id)
);
CREATE INDEX categories_by_parent ON categories (parent_id, position);
COMMENT ON TABLE categories IS 'The tree of product categories.';

CREATE TABLE brands (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  website text
);
COMMENT ON TABLE brands IS 'Makers of products.';

CREATE TABLE units (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  decimals smallint NOT NULL DEFAULT 0 CHECK (decimals BETWEEN 0 AND 3)
);
COMMENT ON TABLE units IS 'Units in which quantities are counted or weighed.';

CREATE TABLE products (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku text NOT NULL UNIQUE,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  kind text NOT NULL DEFAULT 'goods' CHECK (kind IN ('goods', 'service', 'bundle', 'gift_card')),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('draft', 'active', 'archived')),
  category_id bigint REFERENCES categories (id) ON DELETE SET NULL,
  brand_id bigint REFERENCES brands (id) ON DELETE SET NULL,
  unit_id bigint REFERENCES units (id) ON DELETE RESTRICT,
  tax_category_id bigint REFERENCES tax_categories (id) ON DELETE RESTRICT,
  price numeric(12,2) NOT NULL DEFAULT 0 CHECK (price >= 0),
  currency char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  cost numeric(14,4) CHECK (cost >= 0),
  track_stock boolean NOT NULL DEFAULT true,
  weight_grams numeric(12,3) CHECK (weight_grams > 0),
  image_url text,
  attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX products_by_category ON products (category_id);
CREATE INDEX products_by_brand ON products (brand_id);
CREATE INDEX products_by_unit ON products (unit_id);
CREATE INDEX products_by_tax_category ON products (tax_category_id);
CREATE INDEX products_search ON products USING gin (to_tsvector('simple'::regconfig, sku || ' ' || name));
COMMENT ON TABLE products IS 'The catalogue. A product with variants is sold as one of them.';
COMMENT ON COLUMN products.price IS 'The price where no price list says another.';
COMMENT ON COLUMN products.cost IS 'Cost of one unit, in the same currency.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION set_updated_at();
