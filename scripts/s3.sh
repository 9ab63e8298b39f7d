#!/usr/bin/env bash
# Runs the image store against an S3-compatible service on loopback: moto, from PyPI, which holds everything in memory.
#
#   scripts/s3.sh                  the test of src/files.rs, in a build with the feature s3
#   scripts/s3.sh COMMAND..        a command with the variables of a client of S3, and a bucket called pictures
#
# Needs Debian's python3-venv; and PyPI, or a mirror. Ends the service that it started.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO=${CARGO:-cargo}
MOTO='moto[server]==5.2.5'
START_SECONDS=30

fail() {
    echo "scripts/s3.sh: $*" >&2
    exit 1
}

folder=$(mktemp -d "${TMPDIR:-/tmp}/postiljon-s3.XXXXXX")
service=
trap '[[ -z $service ]] || kill "$service" 2>/dev/null || true; rm -rf -- "$folder"' EXIT

python3 -m venv "$folder/python" || fail "there is no venv. Debian: apt-get install python3-venv"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check "$MOTO" || fail "pip cannot install $MOTO"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$folder/python/bin/moto_server" --host 127.0.0.1 --port "$port" >"$folder/log" 2>&1 &
service=$!

export AWS_ENDPOINT=http://127.0.0.1:$port AWS_ALLOW_HTTP=true AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
make_bucket() {
    python3 - "$AWS_ENDPOINT/pictures" <<'PYTHON'
import sys
import urllib.request

sign = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
request = urllib.request.Request(sys.argv[1], method="PUT", headers={"Authorization": sign})
urllib.request.urlopen(request, timeout=5)
PYTHON
}
for ((second = 0; ; second++)); do
    make_bucket 2>/dev/null && break
    ((second < START_SECONDS)) || fail "the service does not answer: $(tail -5 "$folder/log")"
    sleep 1
done

if (($# > 0)); then
    "$@"
else
    "$CARGO" test --locked --features s3 --lib files:: -- --include-ignored
fi
