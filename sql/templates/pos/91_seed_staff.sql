INSERT INTO roles (code, name, description) VALUES
  ('owner', 'Owner', 'May do everything'),
  ('manager', 'Manager', 'Runs a shop: prices, stock, staff, reports'),
  ('cashier', 'Cashier', 'Sells and takes money'),
  ('stock_clerk', 'Stock clerk', 'Receives, moves and counts goods'),
  ('accountant', 'Accountant', 'Reads everything, changes nothing')
ON CONFLICT DO NOTHING;

INSERT INTO permissions (code, description) VALUES
  ('sales.create', 'Sell'),
  ('sales.discount', 'Give a discount by hand'),
  ('sales.void', 'Void a sale'),
  ('sales.refund', 'Refund a sale'),
  ('drawer.open', 'Open the drawer without a sale'),
  ('shifts.close', 'Count and close a shift'),
  ('catalogue.edit', 'Change products, variants and barcodes'),
  ('prices.edit', 'Change prices and promotions'),
  ('stock.adjust', 'Adjust and count stock'),
  ('stock.transfer', 'Send and receive transfers'),
  ('purchasing.order', 'Order from suppliers'),
  ('purchasing.receive', 'Receive deliveries'),
  ('customers.edit', 'Change customers'),
  ('staff.edit', 'Change employees and their roles'),
  ('settings.edit', 'Change settings'),
  ('reports.read', 'Read reports')
ON CONFLICT DO NOTHING;

INSERT INTO role_permissions (role_id, permission_code)
SELECT r.id, p.code
FROM roles r
JOIN permissions p ON CASE r.code
  WHEN 'owner' THEN true
  WHEN 'manager' THEN p.code <> 'settings.edit'
  WHEN 'cashier' THEN p.code IN ('sales.create', 'sales.refund', 'shifts.close', 'customers.edit')
  WHEN 'stock_clerk' THEN p.code LIKE 'stock.%' OR p.code = 'purchasing.receive'
  WHEN 'accountant' THEN p.code = 'reports.read'
END
ON CONFLICT DO NOTHING;
