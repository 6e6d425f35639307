-- Money: how it is paid, and what is in the drawers.

CREATE TABLE payment_methods (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('cash', 'card', 'gift_card', 'bank_transfer', 'account', 'other')),
  opens_drawer boolean NOT NULL DEFAULT false,
  is_active boolean NOT NULL DEFAULT true,
  position integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE payment_methods IS 'How customers can pay, in the order of the buttons.';

CREATE TABLE shifts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  register_id bigint NOT NULL REFERENCES registers (id) ON DELETE RESTRICT,
  opened_by bigint NOT NULL REFERENCES employees (id) ON DELETE RESTRICT,
  closed_by bigint REFERENCES employees (id) ON DELETE RESTRICT,
  opened_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  opening_float numeric(12,2) NOT NULL DEFAULT 0 CHECK (opening_float >= 0),
  expected_cash numeric(12,2),
  counted_cash numeric(12,2) CHECK (counted_cash >= 0),
  difference numeric(12,2) GENERATED ALWAYS AS (counted_cash - expected_cash) STORED,
  CHECK (closed_at >= opened_at),
  CHECK (closed_at IS NULL OR num_nulls(closed_by, expected_cash, counted_cash) = 0)
);
CREATE INDEX shifts_by_register ON shifts (register_id, opened_at);
CREATE INDEX shifts_by_opener ON shifts (opened_by);
CREATE INDEX shifts_by_closer ON shifts (closed_by);
CREATE UNIQUE INDEX shifts_open_key ON shifts (register_id) WHERE closed_at IS NULL;
COMMENT ON TABLE shifts IS 'A drawer from its opening to its count; a register has one open shift.';

CREATE TABLE cash_movements (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  shift_id bigint NOT NULL REFERENCES shifts (id) ON DELETE RESTRICT,
  kind text NOT NULL CHECK (kind IN ('pay_in', 'pay_out', 'safe_drop')),
  amount numeric(12,2) NOT NULL CHECK (amount > 0),
  reason text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cash_movements_by_shift ON cash_movements (shift_id);
COMMENT ON TABLE cash_movements IS 'Cash put into a drawer or taken out of it other than by sales.';

CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sale_id bigint REFERENCES sales (id) ON DELETE RESTRICT,
  refund_id bigint REFERENCES refunds (id) ON DELETE RESTRICT,
  payment_method_id bigint NOT NULL REFERENCES payment_methods (id) ON DELETE RESTRICT,
  shift_id bigint REFERENCES shifts (id) ON DELETE RESTRICT,
  status text NOT NULL DEFAULT 'captured' CHECK (status IN ('authorized', 'captured', 'voided', 'failed')),
  amount numeric(12,2) NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  tendered numeric(12,2),
  change_given numeric(12,2) GENERATED ALWAYS AS (tendered - amount) STORED,
  reference text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(sale_id, refund_id) = 1),
  CHECK (tendered >= amount)
);
CREATE INDEX payments_by_sale ON payments (sale_id);
CREATE INDEX payments_by_refund ON payments (refund_id);
CREATE INDEX payments_by_method ON payments (payment_method_id, created_at);
CREATE INDEX payments_by_shift ON payments (shift_id);
COMMENT ON TABLE payments IS 'Money taken for a sale or given back for a refund; a sale may be paid in several ways.';
COMMENT ON COLUMN payments.tendered IS 'What the customer handed over.';
COMMENT ON COLUMN payments.reference IS 'The processor''s number. Card numbers do not belong here.';
