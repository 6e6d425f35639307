-- What a new business starts with. Run again, it adds what is missing and changes nothing.

INSERT INTO settings (key, value, description) VALUES
  ('business.name', '""', 'Printed on receipts'),
  ('business.currency', '"EUR"', 'ISO 4217 code of new documents'),
  ('business.country', '"DE"', 'ISO 3166 code; decides the tax rates'),
  ('receipt.footer', '"Thank you for your purchase."', 'Last line of a receipt'),
  ('receipt.print_automatically', 'true', 'Print after each sale'),
  ('sales.prices_include_tax', 'true', 'Whether typed prices include tax'),
  ('sales.cash_rounding', '0.01', 'Smallest coin'),
  ('sales.refund_days', '30', 'Days in which goods are taken back'),
  ('stock.allow_negative', 'true', 'Sell what is not booked in yet'),
  ('stock.reorder_warnings', 'true', 'Warn below the reorder point')
ON CONFLICT DO NOTHING;

INSERT INTO document_numbers (kind, prefix) VALUES
  ('sale', 'S-'), ('refund', 'R-'), ('purchase_order', 'PO-'), ('goods_receipt', 'GR-'), ('stock_transfer', 'ST-')
ON CONFLICT DO NOTHING;
