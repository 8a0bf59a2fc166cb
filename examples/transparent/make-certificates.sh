#!/bin/sh
# Makes a private CA and a certificate for the provider's own host name, and for the buckets below it.
#
#   ./make-certificates.sh s3.eu-central-1.amazonaws.com [folder]
#
# ca.pem goes to the clients, server.pem and server.key to the proxy. ca.key signs nothing else: name constraints bind the
# CA to that one host name, so that a client that trusts it trusts it for nothing else. Delete it when you are done; made
# anew, both go out again.
set -eu

host=${1:?usage: make-certificates.sh HOST [FOLDER]}
folder=${2:-certs}
umask 077
mkdir -p "$folder"
cd "$folder"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -sha256 \
  -subj "/CN=ssec-proxy private CA for $host" \
  -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' \
  -addext 'keyUsage=critical,keyCertSign,cRLSign' \
  -addext "nameConstraints=critical,permitted;DNS:$host" \
  -keyout ca.key -out ca.pem 2>/dev/null

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
  -subj "/CN=$host" -keyout server.key -out server.csr 2>/dev/null

cat > server.ext <<EOF
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:$host,DNS:*.$host
EOF

openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 397 -sha256 \
  -extfile server.ext -out server.pem 2>/dev/null

rm -f server.csr server.ext ca.srl
chmod 644 ca.pem server.pem
echo "$PWD: ca.pem for the clients; server.pem and server.key for the proxy"
