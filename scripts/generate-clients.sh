#!/bin/sh
# Makes clients from openapi/openapi.json with two generators that have nothing in common; `npm run types` compiles both.
set -eu
cd "$(dirname "$0")/.."
document=openapi/openapi.json

rm -rf test/e2e/client test/e2e/fetch-client
openapi-ts --input "./$document" --output test/e2e/client --no-log-file --silent
swagger-typescript-api generate --path "$document" --output test/e2e/fetch-client --name client.gen.ts \
  --enum-style=union --type-only-imports --silent
# Otherwise the compiler has nothing to say about it.
sed -i '/@ts-nocheck/d' test/e2e/fetch-client/client.gen.ts
test -s test/e2e/client/sdk.gen.ts
test -s test/e2e/fetch-client/client.gen.ts
