#!/bin/sh
# Make an authority and what it signs, for trying out. For production take an authority of your own.
#
#   sh certificates.sh FOLDER HOST NAME ...
#   sh certificates.sh certificates broker.example patient-1 patient-2 twin-artery twin-artery-estimates dashboard
#
# HOST is the name or the IP address under which clients reach the broker; each NAME is a twin or another client.
# DAYS says for how long they count, 365 without it. What is there already stays.
set -eu
folder=$1 host=$2
shift 2
mkdir -p "$folder"
cd "$folder"
umask 077

certificate() { # name, days, what else it says, who signs
    [ -e "$1.crt" ] && return
    [ -e "$1.key" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
    printf '%s\n' "$3" > extensions
    openssl req -new -key "$1.key" -subj "/CN=$1" -out request
    # shellcheck disable=SC2086  # several words
    openssl x509 -req -in request $4 -days "$2" -extfile extensions -out "$1.crt"
    rm request extensions
}

signed() { # name, what else it says
    certificate "$1" "${DAYS:-365}" "$2" "-CA ca.crt -CAkey ca.key -CAcreateserial"
}

certificate ca "${DAYS_OF_AUTHORITY:-3650}" "basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign" "-signkey ca.key"
case $host in
    *[!0-9.]*) alternative=DNS:$host ;;
    *) alternative=IP:$host ;;
esac
signed broker "subjectAltName=$alternative
extendedKeyUsage=serverAuth"
for name; do
    signed "$name" "extendedKeyUsage=clientAuth"
done
