-- Points for faithful customers.

CREATE TABLE loyalty_programs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  points_per_unit numeric(10,4) NOT NULL DEFAULT 1 CHECK (points_per_unit >= 0),
  point_value numeric(10,4) NOT NULL DEFAULT 0.01 CHECK (point_value >= 0),
  expires_after_months integer CHECK (expires_after_months > 0),
  is_active boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE loyalty_programs IS 'How points are earned and what they are worth, in units of the currency.';

CREATE TABLE loyalty_accounts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  program_id bigint NOT NULL REFERENCES loyalty_programs (id) ON DELETE RESTRICT,
  customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  card_number text UNIQUE,
  points integer NOT NULL DEFAULT 0 CHECK (points >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (program_id, customer_id)
);
CREATE INDEX loyalty_accounts_by_customer ON loyalty_accounts (customer_id);
COMMENT ON TABLE loyalty_accounts IS 'A customer''s points: the sum of their loyalty_transactions.';

CREATE TABLE loyalty_transactions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES loyalty_accounts (id) ON DELETE CASCADE,
  sale_id bigint REFERENCES sales (id) ON DELETE SET NULL,
  kind text NOT NULL CHECK (kind IN ('earn', 'redeem', 'expire', 'adjust')),
  points integer NOT NULL CHECK (points <> 0),
  note text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX loyalty_transactions_by_account ON loyalty_transactions (account_id, created_at);
CREATE INDEX loyalty_transactions_by_sale ON loyalty_transactions (sale_id);
COMMENT ON TABLE loyalty_transactions IS 'Points earned and spent.';
