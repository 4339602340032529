#!/usr/bin/env bash
# Builds the image on a base made with debootstrap and plays a restore in it, where no registry of images can be reached.
# As root on Debian, with docker.io and debootstrap; starts a Docker Engine of its own, and removes it and all the rest.
# docs/operations/containers.md says what this proves.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

suite=${SUITE:-bookworm}
docker=${DOCKER:-/usr/bin/docker}
ground=$(mktemp -d /tmp/undrop-image-XXXXXX)
export DOCKER_HOST=unix://$ground/docker.sock DOCKER_BUILDKIT=1 DOCKER_CONFIG=$ground/config
step() { printf '\n== %s\n' "$*"; }

engine=
cleanup() {
  status=$?
  if ((status != 0)); then for name in api worker; do "$docker" logs --tail 20 "undrop-$name" 2>&1 || true; done; fi
  "$docker" ps --all --quiet 2>/dev/null | xargs --no-run-if-empty "$docker" rm --force >/dev/null 2>&1 || true
  if [[ -n $engine ]]; then kill "$engine" && wait "$engine" || true; fi
  rm -rf --one-file-system "$ground"
  exit "$status"
}
trap cleanup EXIT

step 'a Docker Engine'
dockerd --data-root "$ground/data" --exec-root "$ground/exec" --pidfile "$ground/pid" --host "$DOCKER_HOST" \
  >"$ground/dockerd.log" 2>&1 &
engine=$!
for _ in $(seq 100); do
  "$docker" info >/dev/null 2>&1 && break
  kill -0 "$engine" || { cat "$ground/dockerd.log"; exit 1; }
  sleep 0.2
done

step "a base: Debian $suite"
debootstrap --variant=minbase "$suite" "$ground/base" >"$ground/debootstrap.log"
rm -rf "$ground"/base/var/cache/apt/archives/*.deb "$ground"/base/var/lib/apt/lists/*
# Authorities that this machine trusts beside Debian's, such as a proxy's; in this base only.
cp -L /etc/ssl/certs/ca-certificates.crt "$ground/base/usr/local/share/authorities.pem"
tar -C "$ground/base" -c . | "$docker" import \
  -c 'ENV NODE_EXTRA_CA_CERTS=/usr/local/share/authorities.pem' - undrop-base >/dev/null

step 'the image'
secrets=()
if [[ -n ${NPMRC-} ]]; then secrets=(--secret "id=npmrc,src=$NPMRC"); fi
"$docker" build --quiet --build-arg BASE=undrop-base "${secrets[@]}" -t undrop .
"$docker" images --format '{{.Repository}} {{.Size}}' | sort -u

step 'secrets, metadata, migrations, API and worker'
"$docker" network create undrop >/dev/null
files=(-v undrop-secrets:/run/secrets/undrop)
"$docker" run --rm "${files[@]}" undrop docker/make-secrets.sh
"$docker" run -d --name undrop-postgres --network undrop --network-alias postgres "${files[@]}" undrop sh -c '
  set -e; bin=$(echo /usr/lib/postgresql/*/bin); data=/var/lib/undrop/pg
  $bin/initdb -D $data -U undrop --auth=scram-sha-256 --pwfile=/run/secrets/undrop/database-password >/dev/null
  echo "host all all all scram-sha-256" >>$data/pg_hba.conf
  exec $bin/postgres -D $data -c listen_addresses=* -c unix_socket_directories=/tmp' >/dev/null
variables=(
  -e UNDROP_PLATFORM_KEY_FILE=/run/secrets/undrop/platform-key -e UNDROP_MASTER_KEY_FILE=/run/secrets/undrop/master-key
  -e DATABASE_URL_FILE=/run/secrets/undrop/database-url -e UNDROP_ENDPOINT_HOST=worker -e UNDROP_PORT_RANGE=20000-20009
)
inside() { "$docker" run --rm --network undrop "${files[@]}" "$@"; }
inside undrop sh -c 'url=$(cat /run/secrets/undrop/database-url)
  until psql "${url%/*}/postgres" -c "create database undrop" >/dev/null 2>&1; do sleep 0.2; done'
inside "${variables[@]}" undrop migrate
run() {
  "$docker" run -d --name "undrop-$1" --network undrop --network-alias "$1" "${files[@]}" \
    -v undrop-data:/var/lib/undrop "${variables[@]}" "${@:2}" undrop "$1" >/dev/null
}
run worker
run api -p 127.0.0.1::8080
for name in api worker; do
  until [[ $("$docker" inspect --format '{{.State.Health.Status}}' "undrop-$name") == healthy ]]; do
    [[ $("$docker" inspect --format '{{.State.Running}}' "undrop-$name") == true ]]
    sleep 0.5
  done
  echo "$name is healthy"
done
[[ $("$docker" exec undrop-api id -u) != 0 ]]

step 'an add-on, a dropped table, a restore'
url=http://$("$docker" port undrop-api 8080)/v1
key=$("$docker" exec undrop-api cat /run/secrets/undrop/platform-key)
api() { curl -sf --config <(printf 'header = "Authorization: Bearer %s"' "$key") -H 'Content-Type: application/json' "$@"; }
field() { "$docker" exec -i undrop-api node -p "JSON.parse(require('fs').readFileSync(0))$1"; }
until_is() { # wanted, field, address
  until [[ $(api "$3" | field "$2") == "$1" ]]; do sleep 0.5; done
}
sql() { inside -e URL="$1" -e SQL="$2" undrop sh -c 'psql "$URL" -XAtqc "$SQL"'; }

tenant=$(api "$url/tenants" -d '{"name": "acme"}' | field .id)
addon=$(api "$url/addons" -d "{\"tenantId\": \"$tenant\", \"name\": \"shop\"}" | field .id)
until_is protected .protection "$url/addons/$addon"
db=$(api -X POST "$url/addons/$addon/credentials/reveal" | field .url)
sql "$db" 'create table customers as select generate_series(1, 5) as n'
sleep 1
before=$(sql "$db" "select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
sql "$db" 'drop table customers'
restore=$(api "$url/addons/$addon/restores" -d "{\"target\": {\"time\": \"$before\"}}" | field .id)
until_is succeeded .status "$url/restores/$restore"
child=$(api "$url/restores/$restore" | field .childAddonId)
login=$(api -X POST "$url/addons/$child/credentials/reveal" | field .url)
[[ $(sql "$login" 'select count(*) from customers') == 5 ]]
echo 'the five customers are back'

step 'stop and start'
"$docker" stop --time 60 undrop-api undrop-worker >/dev/null
for name in api worker; do
  status=$("$docker" inspect --format '{{.State.ExitCode}}' "undrop-$name")
  echo "$name ended with $status"
  [[ $status == 0 ]]
done
"$docker" start undrop-worker >/dev/null
until [[ $(sql "$login" 'select count(*) from customers' 2>/dev/null) == 5 ]]; do sleep 0.5; done
echo 'the servers of add-ons are back'
