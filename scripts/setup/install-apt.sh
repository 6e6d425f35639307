#!/bin/sh
# Installs Debian packages as root: install-apt.sh package…
# The services that come with them are neither created, started nor enabled: Rowhouse runs servers of its own.
set -eu

policy=/usr/sbin/policy-rc.d
mark='# Made by Rowhouse while it installs packages'

remove_policy() {
  if grep -qs "^$mark" "$policy"; then rm -f "$policy"; fi
}

# Also removes one that a killed run left.
remove_policy
trap remove_policy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# invoke-rc.d asks this file whether a service may be started; 101 means no.
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
  chmod 755 "$policy"
fi

# Debian's postgresql-common otherwise creates a cluster on port 5432 at the first installation.
mkdir -p /etc/postgresql-common/createcluster.d
printf '%s\n%s\n' '# Rowhouse makes clusters of its own in its data directory.' 'create_main_cluster = false' \
  >/etc/postgresql-common/createcluster.d/rowhouse.conf

is_installed() {
  dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'
}

new=''
for package in "$@"; do
  is_installed "$package" || new="$new $package"
done

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt-get -o DPkg::Lock::Timeout=120 update || echo 'apt-get update failed; trying with the lists that are there'
apt-get -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends "$@"

# Where the machine has a policy of its own, the services may have been started all the same.
for package in $new; do
  if [ -d /run/systemd/system ]; then
    # Some packages, such as certbot's, bring no service of their name.
    systemctl cat "$package.service" >/dev/null 2>&1 || continue
    systemctl disable --now "$package.service"
  else
    service "$package" stop >/dev/null 2>&1 || true
    if command -v systemctl >/dev/null; then systemctl disable "$package.service"; fi
  fi
done
