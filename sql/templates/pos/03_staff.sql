-- Who works here, what they may do, when they worked and what they changed.

CREATE TABLE roles (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  description text NOT NULL DEFAULT ''
);
COMMENT ON TABLE roles IS 'Jobs in the shop, as sets of permissions.';

CREATE TABLE permissions (
  code text PRIMARY KEY CHECK (code ~ '^[a-z_]+[.][a-z_]+$'),
  description text NOT NULL
);
COMMENT ON TABLE permissions IS 'What can be allowed, as subject.verb.';

CREATE TABLE role_permissions (
  role_id bigint NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
  permission_code text NOT NULL REFERENCES permissions (code) ON DELETE CASCADE ON UPDATE CASCADE,
  PRIMARY KEY (role_id, permission_code)
);
CREATE INDEX role_permissions_by_permission ON role_permissions (permission_code);
COMMENT ON TABLE role_permissions IS 'Which role may do what.';

CREATE TABLE employees (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  employee_number text NOT NULL UNIQUE,
  role_id bigint NOT NULL REFERENCES roles (id) ON DELETE RESTRICT,
  location_id bigint REFERENCES locations (id) ON DELETE SET NULL,
  first_name text NOT NULL,
  last_name text NOT NULL,
  full_name text NOT NULL GENERATED ALWAYS AS (first_name || ' ' || last_name) STORED,
  email text,
  phone text,
  pin_hash text,
  hired_on date,
  left_on date,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (left_on >= hired_on)
);
CREATE UNIQUE INDEX employees_email_key ON employees (lower(email));
CREATE INDEX employees_by_role ON employees (role_id);
CREATE INDEX employees_by_location ON employees (location_id);
COMMENT ON TABLE employees IS 'People who work here. They are never deleted, since documents name them.';
COMMENT ON COLUMN employees.location_id IS 'The location where they usually work; null is all.';
COMMENT ON COLUMN employees.pin_hash IS 'Hash of the code that they type at the register.';

CREATE TABLE time_entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  employee_id bigint NOT NULL REFERENCES employees (id) ON DELETE RESTRICT,
  location_id bigint NOT NULL REFERENCES locations (id) ON DELETE RESTRICT,
  clocked_in_at timestamptz NOT NULL DEFAULT now(),
  clocked_out_at timestamptz,
  break_minutes integer NOT NULL DEFAULT 0 CHECK (break_minutes >= 0),
  worked_minutes integer GENERATED ALWAYS AS
    (floor(extract(epoch FROM clocked_out_at - clocked_in_at) / 60)::integer - break_minutes) STORED,
  note text,
  CHECK (clocked_out_at >= clocked_in_at)
);
CREATE INDEX time_entries_by_employee ON time_entries (employee_id, clocked_in_at);
CREATE INDEX time_entries_by_location ON time_entries (location_id, clocked_in_at);
CREATE UNIQUE INDEX time_entries_open_key ON time_entries (employee_id) WHERE clocked_out_at IS NULL;
COMMENT ON TABLE time_entries IS 'The time clock. Nobody is clocked in twice.';

CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL DEFAULT now(),
  employee_id bigint REFERENCES employees (id) ON DELETE RESTRICT,
  action text NOT NULL,
  entity text NOT NULL,
  entity_id text,
  before jsonb,
  after jsonb
);
CREATE INDEX audit_log_by_time ON audit_log (occurred_at);
CREATE INDEX audit_log_by_employee ON audit_log (employee_id, occurred_at);
CREATE INDEX audit_log_by_entity ON audit_log (entity, entity_id);
COMMENT ON TABLE audit_log IS 'Who did what: price overrides, voids, drawer openings, changes of stock and staff.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON employees FOR EACH ROW EXECUTE FUNCTION set_updated_at();
