#!/usr/bin/env bash
# Lets other programs judge our signatures (DKIM): dkimpy verifies a thousand mails of the engine, finds every
# one broken that was tampered with and none that was only folded anew, and verifies them once more behind a Postfix.
#
#   scripts/dkim.sh            all of it; the step with Postfix where that is installed and this is root
#   scripts/dkim.sh --no-hop   without Postfix
#
# Needs python3 with venv, and PyPI or a mirror for pip. Everything is in a folder of its own, listens on loopback
# only, and is gone afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO=${CARGO:-cargo}
DKIMPY=dkimpy==1.1.8
PYNACL=pynacl==1.6.2 # what dkimpy verifies Ed25519 with
DNSPYTHON=dnspython==2.9.2

fail() {
    echo "scripts/dkim.sh: $*" >&2
    exit 1
}

hop=yes
case ${1:-} in
--no-hop) hop=no ;;
"") ;;
*) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2 && exit 2 ;;
esac

folder=$(mktemp -d "${TMPDIR:-/tmp}/postiljon-dkim.XXXXXX")
postfix_runs=no
finish() {
    if [[ $postfix_runs == yes ]]; then
        postfix -c "$folder/postfix" stop >/dev/null 2>&1 || true
    fi
    rm -rf -- "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

python3 -m venv "$folder/venv" || fail "python3 cannot make a venv. Debian: apt-get install python3-venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$DKIMPY" "$PYNACL" "$DNSPYTHON" ||
    fail "pip cannot install $DKIMPY"

echo "== keys and mails"
mkdir "$folder/mails"
"$CARGO" build --locked --quiet
dkim() {
    target/debug/postiljon dkim "$@" --json --domain meridiaan.example
}
dkim new --selector r1 --out "$folder/mails/rsa.pem" >"$folder/r1.json"
dkim new --selector e1 --out "$folder/mails/ed25519.pem" --ed25519 >"$folder/e1.json"
if command -v openssl >/dev/null; then
    # Keys of openssl are as good.
    (
        umask 077
        openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$folder/openssl-rsa.pem"
        openssl genpkey -algorithm ed25519 -out "$folder/openssl-ed25519.pem"
        openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$folder/openssl-short.pem"
    )
    for name in rsa ed25519; do
        dkim record --selector o1 --key "$folder/openssl-$name.pem" >"$folder/openssl.json" ||
            fail "the $name key of openssl is not taken"
    done
    openssl pkey -in "$folder/openssl-rsa.pem" -pubout | grep -v -- ----- | tr -d '\n' >"$folder/openssl.pub"
    dkim record --selector o1 --key "$folder/openssl-rsa.pem" | grep -qF "p=$(cat "$folder/openssl.pub")" ||
        fail "the record has another public key than openssl says"
    if dkim record --selector o1 --key "$folder/openssl-short.pem" >/dev/null 2>&1; then
        fail "a key of 1024 bits is taken"
    fi
fi
POSTILJON_TEST_DKIM_FOLDER=$folder/mails "$CARGO" test --locked --quiet --test it -- --ignored --exact \
    delivery::signing::a_thousand_signed_mails_are_written_for_the_judge >"$folder/test.log" 2>&1 || {
    cat "$folder/test.log" >&2
    fail "the mails were not written"
}

echo "== dkimpy"
"$folder/venv/bin/python" scripts/dkim_judge.py verify "$folder" "$folder/mails"

[[ $hop == yes ]] || exit 0
if ! command -v postfix >/dev/null || ((EUID != 0)); then
    echo "== Postfix: left out, it needs Debian's postfix and root"
    exit 0
fi
echo "== Postfix"
read -r smtpd sink < <("$folder/venv/bin/python" scripts/dkim_judge.py ports)
mkdir -p "$folder/postfix" "$folder/queue" "$folder/data" "$folder/behind"
chmod 755 "$folder"
chown postfix "$folder/data"
cat >"$folder/postfix/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
maillog_file = $folder/postfix.log
maillog_file_prefixes = $folder
myhostname = hop.example.net
mydestination =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:$sink
smtp_dns_support_level = disabled
smtp_tls_security_level = none
alias_maps =
alias_database =
CONF
cat >"$folder/postfix/master.cf" <<CONF
127.0.0.1:$smtpd inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
CONF
postfix -c "$folder/postfix" start >"$folder/start.log" 2>&1 || {
    cat "$folder/start.log" "$folder/postfix.log" >&2 || true
    fail "Postfix did not start"
}
postfix_runs=yes
"$folder/venv/bin/python" scripts/dkim_judge.py hop "$folder/mails" "$folder/behind" "$smtpd" "$sink" || {
    tail -n 20 "$folder/postfix.log" >&2
    fail "the mails did not come through"
}
"$folder/venv/bin/python" scripts/dkim_judge.py verify "$folder" "$folder/behind"
