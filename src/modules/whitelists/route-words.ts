/** What the routes of databases and of tenants say of themselves. */
export const SUMMARIES = {
  add: 'With the first rule only the networks of the list get in, on both ports, loopback too; before it, everybody with TLS unless access is closed. `overlaps` names networks of the list that share addresses with this one.',
  list: 'Newest first. The `ETag` header names the list as it is, for `If-Match`. A tenant with a database of its own has the list of that database; a tenant schema without rules is reached as its hosting database is.',
  patch:
    'All of it or nothing. Sessions from addresses that no rule admits any more end within a second, on both ports, and only those.',
  replace:
    'Needs `If-Match` with the ETag that GET showed, so that nobody else’s change is lost. Rules whose network stays keep their id.',
  remove:
    'Sessions that no rule admits any more end within a second, on both ports, and only those. After the last rule the home is open or closed as its `external_access` says.',
  check:
    'With its own login or the one that is named, by the list as it is stored; `in_force` tells whether the ports know it already. It changes nothing.',
} as const;
