#!/bin/sh
# What runs in this container is alive and ready: the API answers on its port, a worker on that of its metrics.
ask() {
  node -e 'fetch(process.argv[1]).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(2))' \
    "http://127.0.0.1:$1/readyz"
}
ask "${PORT:-8080}"
status=$?
[ "$status" -ne 2 ] || ask "${UNDROP_WORKER_METRICS_PORT:-9464}"
