-- Sizes, colours, and the codes on the packages.

CREATE TABLE product_options (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  name text NOT NULL,
  position integer NOT NULL DEFAULT 0,
  UNIQUE (product_id, name)
);
COMMENT ON TABLE product_options IS 'What a product varies in: size, colour.';

CREATE TABLE product_option_values (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  option_id bigint NOT NULL REFERENCES product_options (id) ON DELETE CASCADE,
  value text NOT NULL,
  position integer NOT NULL DEFAULT 0,
  UNIQUE (option_id, value),
  UNIQUE (option_id, id)
);
COMMENT ON TABLE product_option_values IS 'The choices of an option: S, M, L.';

CREATE TABLE product_variants (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  sku text NOT NULL UNIQUE,
  name text NOT NULL,
  price numeric(12,2) CHECK (price >= 0),
  cost numeric(14,4) CHECK (cost >= 0),
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (product_id, id)
);
COMMENT ON TABLE product_variants IS 'What is on the shelf. Other tables name a variant together with its product.';
COMMENT ON COLUMN product_variants.price IS 'Null is the price of the product; so is cost.';

CREATE TABLE variant_option_values (
  variant_id bigint NOT NULL REFERENCES product_variants (id) ON DELETE CASCADE,
  option_id bigint NOT NULL,
  option_value_id bigint NOT NULL,
  PRIMARY KEY (variant_id, option_id),
  FOREIGN KEY (option_id, option_value_id) REFERENCES product_option_values (option_id, id) ON DELETE CASCADE
);
CREATE INDEX variant_option_values_by_value ON variant_option_values (option_id, option_value_id);
COMMENT ON TABLE variant_option_values IS 'The choice that a variant is, one for each option.';

CREATE TABLE barcodes (
  code text PRIMARY KEY CHECK (code <> ''),
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  variant_id bigint,
  symbology text NOT NULL DEFAULT 'ean13'
    CHECK (symbology IN ('ean13', 'ean8', 'upca', 'code128', 'qr', 'internal')),
  quantity numeric(14,3) NOT NULL DEFAULT 1 CHECK (quantity > 0),
  FOREIGN KEY (product_id, variant_id) REFERENCES product_variants (product_id, id) ON DELETE CASCADE
);
CREATE INDEX barcodes_by_product ON barcodes (product_id, variant_id);
COMMENT ON TABLE barcodes IS 'What the scanner reads. A case of twelve has a code of its own with quantity 12.';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON product_variants FOR EACH ROW EXECUTE FUNCTION set_updated_at();
