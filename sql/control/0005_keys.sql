-- What API keys are bound to, and which addresses are shut out for too many wrong ones.

ALTER TABLE api_keys
  -- The tenants that the key sees; null is all. Ids are never used again, so a deleted tenant's may stay.
  ADD COLUMN tenant_ids uuid[] CHECK (cardinality(tenant_ids) > 0),
  -- Canonical networks that the key may be used from; none is anywhere.
  ADD COLUMN allowed_cidrs text[] NOT NULL DEFAULT '{}';

CREATE TABLE address_bans (
  id uuid PRIMARY KEY,
  -- The block of addresses that counts as one client: an IPv4 address, or a /64 of IPv6.
  network text NOT NULL UNIQUE,
  failures integer NOT NULL,
  expires_at timestamptz NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE INDEX address_bans_by_age ON address_bans (created_at, id);
