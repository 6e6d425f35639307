INSERT INTO locations (code, name) VALUES ('MAIN', 'Main shop') ON CONFLICT DO NOTHING;

INSERT INTO registers (location_id, code, name)
SELECT id, '1', 'Register 1' FROM locations WHERE code = 'MAIN'
ON CONFLICT DO NOTHING;

INSERT INTO tax_categories (code, name) VALUES
  ('standard', 'Standard rate'), ('reduced', 'Reduced rate'), ('zero', 'Zero rate'), ('exempt', 'Exempt')
ON CONFLICT DO NOTHING;

INSERT INTO units (code, name, decimals) VALUES
  ('pcs', 'Piece', 0), ('kg', 'Kilogram', 3), ('l', 'Litre', 3), ('m', 'Metre', 2), ('h', 'Hour', 2)
ON CONFLICT DO NOTHING;

INSERT INTO customer_groups (name) VALUES ('Retail'), ('Trade'), ('Staff') ON CONFLICT DO NOTHING;

INSERT INTO price_lists (code, name) VALUES ('standard', 'Standard prices') ON CONFLICT DO NOTHING;

INSERT INTO payment_methods (code, name, kind, opens_drawer, position) VALUES
  ('cash', 'Cash', 'cash', true, 1),
  ('card', 'Card', 'card', false, 2),
  ('gift_card', 'Gift card', 'gift_card', false, 3),
  ('bank_transfer', 'Bank transfer', 'bank_transfer', false, 4),
  ('account', 'On account', 'account', false, 5)
ON CONFLICT DO NOTHING;
