#!/bin/sh
# Runs one of Undrop's processes by name, or any other command. NAME_FILE stands for a variable NAME that is read from a
# file: secrets are mounted, and do not show in `docker inspect`.
set -eu

for name in UNDROP_PLATFORM_KEY UNDROP_MASTER_KEY UNDROP_OLD_MASTER_KEYS DATABASE_URL REDIS_URL \
  S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY; do
  eval "file=\${${name}_FILE-}"
  if [ -n "$file" ]; then
    value=$(cat "$file")
    export "$name=$value"
    unset "${name}_FILE" value
  fi
done

process=${1-}
case $process in
  migrate | reseal | ca)
    shift
    exec node "src/bin/$process.ts" "$@"
    ;;
  api | worker | start) ;;
  *) exec "$@" ;;
esac

# Servers of add-ons go on when Undrop stops; here they would be killed together with the container. So they are told to
# end ("fast", PostgreSQL manual, 19.5), and have what is left of the container's time to do it in.
node "src/bin/$process.ts" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null || true' TERM INT
status=0
wait "$child" || status=$?
while kill -0 "$child" 2>/dev/null; do
  status=0
  wait "$child" || status=$?
done
for file in "$UNDROP_DATA_DIR"/servers/*/var/data/postmaster.pid; do
  [ -f "$file" ] || continue
  read -r pid <"$file"
  kill -INT "$pid" 2>/dev/null || continue
  echo "$pid"
done >/tmp/ending
while read -r pid; do
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
done </tmp/ending
exit "$status"
