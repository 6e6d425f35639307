#!/bin/sh
# Run once by the image, when it makes the cluster: pg_hba.conf lives with the data, where Rowhouse can put whitelists.
set -eu
cp /etc/rowhouse/pg_hba.conf "$PGDATA/pg_hba.conf"
