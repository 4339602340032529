#!/bin/sh
# Makes what docker-compose.yml needs to be secret, once, in a volume of its own that is mounted into the services alone.
# The images of the other services read it as users of theirs: hence 0644.
set -eu
cd /run/secrets/undrop
[ ! -e complete ] || exit 0
umask 022
text() { openssl rand -base64 48 | tr -dc 'A-Za-z0-9' | cut -c 1-40; }

printf 'udk_%s\n' "$(text)" >platform-key
openssl rand -base64 32 >master-key
text >database-password
printf 'postgres://undrop:%s@postgres/undrop\n' "$(cat database-password)" >database-url
printf 'undrop\n' >store-user
text >store-password
# The store by HTTPS: a certificate that is its own authority.
mkdir -p store
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=store \
  -addext subjectAltName=DNS:store -keyout store/private.key -out store/public.crt 2>/dev/null
chmod 644 store/private.key
touch complete
