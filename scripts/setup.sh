#!/usr/bin/env bash
# Installs what Undrop needs where it is missing: npm packages, the PostgreSQL server and pgBackRest; with --s3 also Ceph,
# for an object store of its own, and with --test that, Redis, curl and jq. On Debian and Ubuntu, as root or by sudo without a
# password. Makes no cluster and starts no service.
set -euo pipefail

with_redis=false
with_s3=false
case "${1-}" in
  '') ;;
  --s3) with_s3=true ;;
  --test) with_redis=true with_s3=true ;;
  *)
    echo "usage: ${0##*/} [--s3 | --test]" >&2
    exit 2
    ;;
esac

# Node 24 is one of the packages, and npm scripts find it once it is there.
cd "${BASH_SOURCE[0]%/*}/.."
if [[ ! -x node_modules/.bin/node ]]; then
  echo 'setup: installing npm packages'
  npm install --no-save --loglevel=error
fi

has_postgres() {
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null ||
    command -v initdb >/dev/null
}

packages=()
has_postgres || packages+=(postgresql)
command -v pgbackrest >/dev/null || packages+=(pgbackrest)
if $with_redis; then
  command -v redis-server >/dev/null || packages+=(redis-server)
  # The guides are scripts that the tests run.
  for program in curl jq; do command -v "$program" >/dev/null || packages+=("$program"); done
fi
has_s3() {
  for program in ceph-mon ceph-osd radosgw ceph openssl; do command -v "$program" >/dev/null || return; done
}
if $with_s3 && ! has_s3; then packages+=(ceph-mon ceph-osd radosgw ceph-common openssl); fi
cluster_policy=/etc/postgresql-common/createcluster.d/zz-undrop-setup.conf
service_policy=/usr/sbin/policy-rc.d
service_policy_aside=$service_policy.before-undrop-setup
marker='# for the time of a set-up of Undrop'

# Also undoes what a set-up that was killed has left.
restore_policies() {
  rm -f "$cluster_policy"
  rmdir --ignore-fail-on-non-empty "${cluster_policy%/*}" 2>/dev/null || true
  if grep -qsF "$marker" "$service_policy"; then rm -f "$service_policy"; fi
  if [[ -e $service_policy_aside ]]; then mv -f "$service_policy_aside" "$service_policy"; fi
}
# A set-up that was killed would keep every later package from starting its service.
if ((EUID == 0)) && [[ -e $cluster_policy || -e $service_policy_aside ]]; then restore_policies; fi

((${#packages[@]} > 0)) || exit 0

fail() {
  printf 'setup: %s\n' "$1" >&2
  cat >&2 <<'TEXT'
Undrop needs, from your system's packages:
  - the PostgreSQL server, with initdb and pg_waldump (tested with 15);  Debian: postgresql
  - pgBackRest (tested with 2.45);                                       Debian: pgbackrest
  - Redis, curl and jq, for the tests only (tested with Redis 7.0);      Debian: redis-server curl jq
  - Ceph, for the tests and the demo with --s3 (tested with 16.2);       Debian: ceph-mon ceph-osd radosgw ceph-common
Install them and run this again. Undrop needs no cluster and no running service of them.
TEXT
  exit 1
}

command -v apt-get >/dev/null || fail "missing: ${packages[*]}; this system has no apt-get"
if ((EUID != 0)); then
  sudo -n true 2>/dev/null || fail "missing: ${packages[*]}; run this as root to have them installed"
  exec sudo -n "scripts/${0##*/}" "$@"
fi

echo "setup: installing ${packages[*]} with apt-get"
export DEBIAN_FRONTEND=noninteractive
scratch=$(mktemp -d)
trap 'restore_policies; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
# Debian's packages make a cluster "main" and start services unless they are told not to (see pg_createcluster(1),
# invoke-rc.d(8)). Clusters and services that exist already are not touched.
mkdir -p "${cluster_policy%/*}"
echo 'create_main_cluster = false' >"$cluster_policy"
if [[ -e $service_policy ]]; then mv "$service_policy" "$service_policy_aside"; fi
printf '#!/bin/sh\n%s\nexit 101\n' "$marker" >"$service_policy"
chmod 755 "$service_policy"

# What starts with the machine: links that a start of the system follows.
started_at_boot() { find /etc/systemd/system /etc/rc5.d -type l \( -path '*.wants/*' -o -name 'S*' \) | sort; }
started_at_boot >"$scratch/services"

install_packages() {
  apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install --no-install-recommends \
    "${packages[@]}" </dev/null >"$scratch/log" 2>&1
}

# Waits while another apt-get holds the lists. A source that fails is no reason to give up: another may have it all.
update_lists() {
  for _ in {1..60}; do
    apt-get -qq update </dev/null >"$scratch/update-log" 2>&1 && return
    grep -q 'Could not get lock' "$scratch/update-log" || return 0
    sleep 5
  done
}

# Lists may be absent on a new machine, or so old that they name what is no longer there.
if ! install_packages; then
  update_lists
  install_packages || {
    cat "$scratch"/*log >&2
    fail "apt-get could not install ${packages[*]}"
  }
fi

# The tests start a Redis and a Ceph of their own; those of the packages, and what they bring along, would start with the
# machine. A cluster of PostgreSQL starts only where there is one.
for link in $(started_at_boot | comm -13 "$scratch/services" -); do
  unit=${link##*/}
  case $link in
    *postgresql*) ;;
    /etc/rc5.d/*) update-rc.d "${unit#S[0-9][0-9]}" disable ;;
    *) deb-systemd-helper disable "$unit" ;;
  esac
done >/dev/null 2>&1 || true
echo 'setup: done'
