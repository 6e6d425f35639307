-- An overlap that ends when nobody uses its old login any more ends only while somebody looks.
ALTER TABLE login_overlaps ADD COLUMN looked_at timestamptz(3);
