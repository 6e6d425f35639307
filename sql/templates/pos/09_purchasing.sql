-- What is bought from suppliers, and what of it arrived.

CREATE TABLE suppliers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  email text,
  phone text,
  tax_number text,
  currency char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  payment_days integer NOT NULL DEFAULT 30 CHECK (payment_days >= 0),
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE suppliers IS 'Whom the shop buys from.';

CREATE TABLE purchase_orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL UNIQUE,
  supplier_id bigint NOT NULL REFERENCES suppliers (id) ON DELETE RESTRICT,
  location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  status text NOT NULL DEFAULT 'draft'
    CHECK (status IN ('draft', 'ordered', 'partly_received', 'received', 'cancelled')),
  currency char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  ordered_at timestamptz,
  expected_on date,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (status IN ('draft', 'cancelled') OR ordered_at IS NOT NULL)
);
CREATE INDEX purchase_orders_by_supplier ON purchase_orders (supplier_id);
CREATE INDEX purchase_orders_by_location ON purchase_orders (location_id, status);
COMMENT ON TABLE purchase_orders IS 'Orders to suppliers, for one location each.';

CREATE TABLE purchase_order_lines (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purchase_order_id bigint NOT NULL REFERENCES purchase_orders (id) ON DELETE CASCADE,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE RESTRICT,
  variant_id bigint,
  quantity numeric(14,3) NOT NULL CHECK (quantity > 0),
  unit_cost numeric(14,4) NOT NULL CHECK (unit_cost >= 0),
  line_total numeric(12,2) NOT NULL GENERATED ALWAYS AS (round(quantity * unit_cost, 2)) STORED,
  FOREIGN KEY (product_id, variant_id) REFERENCES product_variants (product_id, id) ON DELETE RESTRICT
);
CREATE INDEX purchase_order_lines_by_order ON purchase_order_lines (purchase_order_id);
CREATE INDEX purchase_order_lines_by_product ON purchase_order_lines (product_id, variant_id);
COMMENT ON TABLE purchase_order_lines IS 'What was ordered, at which cost.';

CREATE TABLE goods_receipts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL UNIQUE,
  purchase_order_id bigint NOT NULL REFERENCES purchase_orders (id) ON DELETE RESTRICT,
  supplier_reference text,
  received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX goods_receipts_by_order ON goods_receipts (purchase_order_id);
COMMENT ON TABLE goods_receipts IS 'Deliveries; an order may come in several.';

CREATE TABLE goods_receipt_lines (
  goods_receipt_id bigint NOT NULL REFERENCES goods_receipts (id) ON DELETE CASCADE,
  purchase_order_line_id bigint NOT NULL REFERENCES purchase_order_lines (id) ON DELETE RESTRICT,
  quantity numeric(14,3) NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (goods_receipt_id, purchase_order_line_id)
);
CREATE INDEX goods_receipt_lines_by_order_line ON goods_receipt_lines (purchase_order_line_id);
COMMENT ON TABLE goods_receipt_lines IS 'What arrived of an ordered line.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON suppliers FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER set_updated_at BEFORE UPDATE ON purchase_orders FOR EACH ROW EXECUTE FUNCTION set_updated_at();
