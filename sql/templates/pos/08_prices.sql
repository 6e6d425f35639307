-- Prices by place, group, quantity and time, and what is taken off them.

CREATE TABLE price_lists (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  currency char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  includes_tax boolean NOT NULL DEFAULT true,
  location_id bigint REFERENCES locations (id) ON DELETE CASCADE,
  customer_group_id bigint REFERENCES customer_groups (id) ON DELETE CASCADE,
  priority integer NOT NULL DEFAULT 0,
  valid_from timestamptz,
  valid_to timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (valid_to > valid_from)
);
CREATE INDEX price_lists_by_location ON price_lists (location_id);
CREATE INDEX price_lists_by_customer_group ON price_lists (customer_group_id);
COMMENT ON TABLE price_lists IS 'Sets of prices. Of those that hold, the one with the highest priority wins.';
COMMENT ON COLUMN price_lists.location_id IS 'Null is everywhere; customer_group_id null is everybody.';

CREATE TABLE prices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  price_list_id bigint NOT NULL REFERENCES price_lists (id) ON DELETE CASCADE,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  variant_id bigint,
  min_quantity numeric(14,3) NOT NULL DEFAULT 1 CHECK (min_quantity > 0),
  amount numeric(12,2) NOT NULL CHECK (amount >= 0),
  FOREIGN KEY (product_id, variant_id) REFERENCES product_variants (product_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX prices_key ON prices (price_list_id, product_id, coalesce(variant_id, 0), min_quantity);
CREATE INDEX prices_by_product ON prices (product_id, variant_id);
COMMENT ON TABLE prices IS 'The price of one unit in a list, from a quantity on.';

CREATE TABLE promotions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text UNIQUE,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('percent', 'amount', 'fixed_price')),
  value numeric(12,2) NOT NULL CHECK (value >= 0),
  product_id bigint REFERENCES products (id) ON DELETE CASCADE,
  category_id bigint REFERENCES categories (id) ON DELETE CASCADE,
  minimum_total numeric(12,2) NOT NULL DEFAULT 0 CHECK (minimum_total >= 0),
  starts_at timestamptz NOT NULL DEFAULT now(),
  ends_at timestamptz,
  max_uses integer CHECK (max_uses > 0),
  used_count integer NOT NULL DEFAULT 0 CHECK (used_count >= 0),
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (ends_at > starts_at),
  CHECK (kind <> 'percent' OR value <= 100),
  CHECK (used_count <= max_uses)
);
CREATE INDEX promotions_by_product ON promotions (product_id);
CREATE INDEX promotions_by_category ON promotions (category_id);
COMMENT ON TABLE promotions IS 'Discounts and coupons. Without a code they apply by themselves.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON price_lists FOR EACH ROW EXECUTE FUNCTION set_updated_at();
