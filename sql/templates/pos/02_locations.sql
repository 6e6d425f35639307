-- Shops, warehouses, and what stands on their counters.

CREATE TABLE locations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  kind text NOT NULL DEFAULT 'shop' CHECK (kind IN ('shop', 'warehouse', 'online')),
  address_line1 text,
  address_line2 text,
  postal_code text,
  city text,
  region text,
  country_code char(2) CHECK (country_code ~ '^[A-Z]{2}$'),
  phone text,
  time_zone text NOT NULL DEFAULT 'UTC',
  currency char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE locations IS 'Where stock lies and sales are made.';
COMMENT ON COLUMN locations.time_zone IS 'IANA name; the business day of reports.';

CREATE TABLE registers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  code text NOT NULL,
  name text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (location_id, code)
);
COMMENT ON TABLE registers IS 'Tills: each has its own drawer and its own shifts.';

CREATE TABLE devices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  register_id bigint REFERENCES registers (id) ON DELETE SET NULL,
  kind text NOT NULL
    CHECK (kind IN ('terminal', 'card_reader', 'printer', 'scanner', 'drawer', 'scale', 'display')),
  name text NOT NULL,
  serial_number text UNIQUE,
  configuration jsonb NOT NULL DEFAULT '{}',
  last_seen_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX devices_by_location ON devices (location_id);
CREATE INDEX devices_by_register ON devices (register_id);
COMMENT ON TABLE devices IS 'Hardware, with the register that it serves.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON locations FOR EACH ROW EXECUTE FUNCTION set_updated_at();
