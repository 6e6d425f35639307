#!/bin/sh
# Makes a private CA and a server certificate in /tls, once for each set of names: create.sh <public host>
set -eu

public_host=$1
cd /tls
case $public_host in
  *:*) public_name="IP:$public_host" ;;
  *[!0-9.]*) public_name="DNS:$public_host" ;;
  *) public_name="IP:$public_host" ;;
esac
names="$public_name,DNS:localhost,DNS:postgres,DNS:pgbouncer,IP:127.0.0.1,IP:::1"

if [ -e server.crt ] && [ "$(cat names 2>/dev/null)" = "$names" ] &&
  openssl x509 -in server.crt -noout -checkend 2592000; then
  exit 0
fi

umask 077
if [ ! -e ca.crt ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj '/CN=Rowhouse CA' -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout ca.key -out ca.crt
fi
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=Rowhouse' \
  -keyout server.key -out server.csr
printf '%s\n' "subjectAltName=$names" 'basicConstraints=critical,CA:FALSE' 'extendedKeyUsage=serverAuth' >extensions
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -sha256 \
  -extfile extensions -out server.crt

# The users of the two images that read it.
install -o 999 -g 999 -m 600 server.key postgres.key
install -o 1000 -g 1000 -m 600 server.key pgbouncer.key
rm -f server.key server.csr extensions
chmod 755 .
chmod 644 ca.crt server.crt
printf '%s\n' "$names" >names
