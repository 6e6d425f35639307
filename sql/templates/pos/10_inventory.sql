-- Stock: how much is where, every movement of it, transfers and counts.

CREATE TABLE stock_levels (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  variant_id bigint,
  on_hand numeric(14,3) NOT NULL DEFAULT 0,
  reserved numeric(14,3) NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  available numeric(14,3) NOT NULL GENERATED ALWAYS AS (on_hand - reserved) STORED,
  reorder_point numeric(14,3) CHECK (reorder_point >= 0),
  reorder_quantity numeric(14,3) CHECK (reorder_quantity > 0),
  updated_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (product_id, variant_id) REFERENCES product_variants (product_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX stock_levels_key ON stock_levels (location_id, product_id, coalesce(variant_id, 0));
CREATE INDEX stock_levels_by_product ON stock_levels (product_id, variant_id);
COMMENT ON TABLE stock_levels IS 'The stock of a product or variant at a location: the sum of its inventory_transactions.';
COMMENT ON COLUMN stock_levels.on_hand IS 'May fall below 0: a shop sells what is on the shelf before it is booked in.';

CREATE TABLE inventory_transactions (
  id bigint GENERATED ALWAYS AS IDENTITY,
  created_at timestamptz NOT NULL DEFAULT now(),
  location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE RESTRICT,
  variant_id bigint,
  kind text NOT NULL
    CHECK (kind IN ('sale', 'refund', 'receipt', 'adjustment', 'transfer_out', 'transfer_in', 'count')),
  quantity numeric(14,3) NOT NULL CHECK (quantity <> 0),
  unit_cost numeric(14,4) CHECK (unit_cost >= 0),
  employee_id bigint REFERENCES employees (id) ON DELETE RESTRICT,
  document_kind text,
  document_id bigint,
  note text,
  PRIMARY KEY (id, created_at),
  FOREIGN KEY (product_id, variant_id) REFERENCES product_variants (product_id, id) ON DELETE RESTRICT
) PARTITION BY RANGE (created_at);
CREATE INDEX inventory_transactions_by_product ON inventory_transactions (product_id, variant_id, created_at);
CREATE INDEX inventory_transactions_by_location ON inventory_transactions (location_id, created_at);
CREATE INDEX inventory_transactions_by_employee ON inventory_transactions (employee_id);
CREATE INDEX inventory_transactions_by_document ON inventory_transactions (document_kind, document_id);
COMMENT ON TABLE inventory_transactions IS
  'The ledger of stock, one partition a month in UTC. Rows are added, never changed; a mistake is booked back.';
COMMENT ON COLUMN inventory_transactions.quantity IS 'Positive comes in, negative goes out.';
COMMENT ON COLUMN inventory_transactions.document_kind IS 'What caused it, such as sale, with its id in document_id.';

-- This month and three more. A partition policy goes on from there.
DO $$
DECLARE
  first timestamptz := date_trunc('month', now(), 'UTC');
  next timestamptz;
BEGIN
  FOR n IN 0..3 LOOP
    next := date_trunc('month', first + interval '32 days', 'UTC');
    EXECUTE format('CREATE TABLE %I PARTITION OF inventory_transactions FOR VALUES FROM (%L) TO (%L)',
      to_char(first AT TIME ZONE 'UTC', '"inventory_transactions_"YYYY_MM'), first, next);
    first := next;
  END LOOP;
END
$$;

CREATE TABLE stock_transfers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL UNIQUE,
  from_location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  to_location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'in_transit', 'received', 'cancelled')),
  shipped_at timestamptz,
  received_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (from_location_id <> to_location_id),
  CHECK (received_at >= shipped_at)
);
CREATE INDEX stock_transfers_by_source ON stock_transfers (from_location_id);
CREATE INDEX stock_transfers_by_target ON stock_transfers (to_location_id);
COMMENT ON TABLE stock_transfers IS 'Goods on their way from one location to another.';

CREATE TABLE stock_transfer_lines (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stock_transfer_id bigint NOT NULL REFERENCES stock_transfers (id) ON DELETE CASCADE,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE RESTRICT,
  variant_id bigint,
  quantity numeric(14,3) NOT NULL CHECK (quantity > 0),
  received_quantity numeric(14,3) CHECK (received_quantity >= 0),
  FOREIGN KEY (product_id, variant_id) REFERENCES product_variants (product_id, id) ON DELETE RESTRICT
);
CREATE INDEX stock_transfer_lines_by_transfer ON stock_transfer_lines (stock_transfer_id);
CREATE INDEX stock_transfer_lines_by_product ON stock_transfer_lines (product_id, variant_id);
COMMENT ON TABLE stock_transfer_lines IS 'What is sent, and what of it arrived.';

CREATE TABLE stock_counts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'booked', 'cancelled')),
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  CHECK (finished_at >= started_at)
);
CREATE INDEX stock_counts_by_location ON stock_counts (location_id);
COMMENT ON TABLE stock_counts IS 'Stocktakings; booked, their differences are in the ledger.';

CREATE TABLE stock_count_lines (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stock_count_id bigint NOT NULL REFERENCES stock_counts (id) ON DELETE CASCADE,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE RESTRICT,
  variant_id bigint,
  expected numeric(14,3) NOT NULL,
  counted numeric(14,3) CHECK (counted >= 0),
  difference numeric(14,3) GENERATED ALWAYS AS (counted - expected) STORED,
  FOREIGN KEY (product_id, variant_id) REFERENCES product_variants (product_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX stock_count_lines_key ON stock_count_lines (stock_count_id, product_id, coalesce(variant_id, 0));
CREATE INDEX stock_count_lines_by_product ON stock_count_lines (product_id, variant_id);
COMMENT ON TABLE stock_count_lines IS 'Expected and counted; counted is null until somebody did.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON stock_levels FOR EACH ROW EXECUTE FUNCTION set_updated_at();
