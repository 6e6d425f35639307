-- Receipts, and what was brought back.

CREATE TABLE sales (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL UNIQUE,
  location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  register_id bigint REFERENCES registers (id) ON DELETE RESTRICT,
  employee_id bigint REFERENCES employees (id) ON DELETE RESTRICT,
  customer_id bigint REFERENCES customers (id) ON DELETE SET NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'parked', 'completed', 'voided')),
  currency char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  net_total numeric(12,2) NOT NULL DEFAULT 0,
  tax_total numeric(12,2) NOT NULL DEFAULT 0,
  total numeric(12,2) NOT NULL GENERATED ALWAYS AS (net_total + tax_total) STORED,
  note text,
  created_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (status <> 'completed' OR completed_at IS NOT NULL)
);
CREATE INDEX sales_by_location ON sales (location_id, completed_at);
CREATE INDEX sales_by_register ON sales (register_id, completed_at);
CREATE INDEX sales_by_employee ON sales (employee_id);
CREATE INDEX sales_by_customer ON sales (customer_id);
COMMENT ON TABLE sales IS 'Receipts. A completed one is not changed any more: it is refunded.';
COMMENT ON COLUMN sales.net_total IS 'After discounts, without tax.';

CREATE TABLE sale_lines (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sale_id bigint NOT NULL REFERENCES sales (id) ON DELETE CASCADE,
  position integer NOT NULL CHECK (position > 0),
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE RESTRICT,
  variant_id bigint,
  description text NOT NULL,
  quantity numeric(14,3) NOT NULL CHECK (quantity > 0),
  unit_price numeric(12,2) NOT NULL CHECK (unit_price >= 0),
  unit_cost numeric(14,4) CHECK (unit_cost >= 0),
  discount numeric(12,2) NOT NULL DEFAULT 0 CHECK (discount >= 0),
  line_total numeric(12,2) NOT NULL GENERATED ALWAYS AS (round(quantity * unit_price, 2) - discount) STORED,
  tax_rate numeric(7,4) NOT NULL DEFAULT 0 CHECK (tax_rate BETWEEN 0 AND 100),
  tax_amount numeric(12,2) NOT NULL DEFAULT 0 CHECK (tax_amount >= 0),
  UNIQUE (sale_id, position),
  FOREIGN KEY (product_id, variant_id) REFERENCES product_variants (product_id, id) ON DELETE RESTRICT,
  CHECK (discount <= round(quantity * unit_price, 2))
);
CREATE INDEX sale_lines_by_product ON sale_lines (product_id, variant_id);
COMMENT ON TABLE sale_lines IS 'What was sold, as it was called, priced and taxed at that moment.';

CREATE TABLE sale_discounts (
  sale_id bigint NOT NULL REFERENCES sales (id) ON DELETE CASCADE,
  position integer NOT NULL CHECK (position > 0),
  promotion_id bigint REFERENCES promotions (id) ON DELETE SET NULL,
  reason text NOT NULL,
  amount numeric(12,2) NOT NULL CHECK (amount > 0),
  PRIMARY KEY (sale_id, position)
);
CREATE INDEX sale_discounts_by_promotion ON sale_discounts (promotion_id);
COMMENT ON TABLE sale_discounts IS 'Why a sale was cheaper: a promotion, or a word of the cashier.';

CREATE TABLE refunds (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL UNIQUE,
  sale_id bigint NOT NULL REFERENCES sales (id) ON DELETE RESTRICT,
  employee_id bigint REFERENCES employees (id) ON DELETE RESTRICT,
  reason text NOT NULL,
  total numeric(12,2) NOT NULL CHECK (total >= 0),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refunds_by_sale ON refunds (sale_id);
CREATE INDEX refunds_by_employee ON refunds (employee_id);
COMMENT ON TABLE refunds IS 'Goods that came back, or money that was returned without them.';

CREATE TABLE refund_lines (
  refund_id bigint NOT NULL REFERENCES refunds (id) ON DELETE CASCADE,
  sale_line_id bigint NOT NULL REFERENCES sale_lines (id) ON DELETE RESTRICT,
  quantity numeric(14,3) NOT NULL CHECK (quantity > 0),
  amount numeric(12,2) NOT NULL CHECK (amount >= 0),
  restock boolean NOT NULL DEFAULT true,
  PRIMARY KEY (refund_id, sale_line_id)
);
CREATE INDEX refund_lines_by_sale_line ON refund_lines (sale_line_id);
COMMENT ON TABLE refund_lines IS 'What came back of a sold line, and whether it can be sold again.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON sales FOR EACH ROW EXECUTE FUNCTION set_updated_at();
