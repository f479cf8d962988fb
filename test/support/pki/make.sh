#!/bin/sh
# Makes the certificates of this folder anew, with OpenSSL 3: see README.md.
set -eu
cd "$(dirname "$0")"
days=36500

# authority NAME COMMON-NAME
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days -sha256 \
    -keyout "$1.key" -out "$1.pem" -subj "/O=Penstock tests/CN=$2" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign'
}

# leaf NAME SUBJECT ALTERNATIVE-NAMES AUTHORITY USAGE [DAYS]
leaf() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2"
  printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=%s\n' "$3" "$5" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$4.pem" -CAkey "$4.key" -CAcreateserial -sha256 \
    -days "${6:-$days}" -extfile "$1.ext" -out "$1.pem"
  rm "$1.csr" "$1.ext"
}

authority ca 'Test authority'
authority other-ca 'Another authority'
leaf localhost '/CN=localhost' 'DNS:localhost,IP:127.0.0.1' ca serverAuth
leaf exact '/CN=a.example.com' 'DNS:a.example.com' ca serverAuth
leaf wildcard '/CN=*.example.com' 'DNS:*.example.com' ca serverAuth
leaf renewed '/CN=renewed localhost' 'DNS:localhost,IP:127.0.0.1' ca serverAuth
leaf stranger '/CN=localhost' 'DNS:localhost,IP:127.0.0.1' other-ca serverAuth
leaf client '/C=CH/O=Riders/OU=North/CN=alice' 'email:alice@example.com' ca clientAuth
leaf other-client '/CN=mallory' 'email:mallory@example.com' other-ca clientAuth
# Valid for no time at all.
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout expired.key -out expired.csr -subj '/CN=localhost'
cat > expired.cnf <<'CNF'
[ca]
default_ca = d
[d]
database = expired.db
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = p
x509_extensions = e
[p]
commonName = supplied
[e]
subjectAltName = DNS:localhost,IP:127.0.0.1
CNF
: > expired.db
openssl ca -batch -notext -config expired.cnf -cert ca.pem -keyfile ca.key -in expired.csr \
  -startdate 20200101000000Z -enddate 20200102000000Z -out expired.pem
rm -f ./*.csr ./*.ext ./*.srl ./*.cnf ./expired.db* ./[0-9A-F]*.pem ca.key other-ca.key
