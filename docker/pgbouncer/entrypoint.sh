#!/bin/sh
# Writes PgBouncer's own users from the environment, and the files that Rowhouse fills, then runs PgBouncer.
set -eu
umask 077

directory=/etc/pgbouncer/rowhouse
{
  printf '"rowhouse" "%s"\n' "$DB_PASSWORD"
  printf '"rowhouse_pooler_admin" "%s"\n' "$PGBOUNCER_ADMIN_PASSWORD"
  printf '"rowhouse_pooler_auth" "%s"\n' "$PGBOUNCER_AUTH_PASSWORD"
} >"$directory/userlist.txt"

[ -e "$directory/databases.ini" ] || : >"$directory/databases.ini"
# Until Rowhouse has written the rules, it alone may log in. It shares this container's network.
[ -e "$directory/hba.conf" ] || cat >"$directory/hba.conf" <<'RULES'
host "postgres_control" "rowhouse" 127.0.0.1/32 scram-sha-256
host "pgbouncer" "rowhouse_pooler_admin" 127.0.0.1/32 scram-sha-256
RULES

# Not in the environment of the long-running process.
unset DB_PASSWORD PGBOUNCER_ADMIN_PASSWORD PGBOUNCER_AUTH_PASSWORD
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
