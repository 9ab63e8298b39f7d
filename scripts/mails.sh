#!/usr/bin/env bash
# Lets other programs judge every mail that we send, in each language and theme, as the engine hands it to a relay: is it
# a sound message (Python's parser), do its signatures hold (dkimpy), would it be taken for spam (SpamAssassin without the
# network), is its HTML right (vnu), can Gmail, Outlook, Apple Mail, Yahoo and GMX show it (caniemail), and can everybody
# read it (axe, light and dark). Prints a table. Each judge is also given a broken mail, which it must refuse.
#
#   scripts/mails.sh             all of it
#   scripts/mails.sh FOLDER      the same, and keeps mails and results in FOLDER
#
# Needs Debian's spamassassin, a Java runtime (default-jre-headless), chromium, python3-venv, Node.js 20.19 or later with
# npm; and PyPI and npm, or mirrors, for dkimpy, vnu-jar, caniemail, playwright-core and axe-core. The Nu HTML checker is
# in the npm package; nothing else is downloaded (npm runs no scripts of packages).
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO=${CARGO:-cargo}
DKIMPY=dkimpy==1.1.8
PYNACL=pynacl==1.6.2 # what dkimpy verifies Ed25519 with
DNSPYTHON=dnspython==2.9.2

fail() {
    echo "scripts/mails.sh: $*" >&2
    exit 1
}

case ${1:-} in
-*) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2 && exit 2 ;;
esac

perl -MMail::SpamAssassin -e 1 2>/dev/null || fail "there is no SpamAssassin. Debian: apt-get install spamassassin"
command -v java >/dev/null || fail "there is no Java. Debian: apt-get install default-jre-headless"
command -v npm >/dev/null || fail "there is no Node.js with npm. Debian: apt-get install nodejs npm"
node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
    fail "caniemail needs Node.js 20.19 or later, this is $(node --version)"
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser)} ||
    fail "there is no Chromium. Debian: apt-get install chromium"
export CHROMIUM

if [[ -n ${1:-} ]]; then
    mkdir -p "$1"
    folder=$(cd "$1" && pwd)
    [[ -z $(ls -A "$folder") ]] || fail "$folder is not empty"
else
    folder=$(mktemp -d "${TMPDIR:-/tmp}/postiljon-mails.XXXXXX")
    trap 'rm -rf -- "$folder"' EXIT
fi
# Logs and programs; what is judged is in the folder.
tools=$folder/tools
mkdir "$tools"

install_npm() {
    (
        cd "$1"
        cmp --quiet package-lock.json node_modules/.lock-of-install && exit 0
        npm ci --ignore-scripts --no-progress --loglevel=error >/dev/null &&
            cp package-lock.json node_modules/.lock-of-install
    ) || fail "npm cannot install the packages of $1"
}
install_npm tests/mails
install_npm tests/browser
python3 -m venv "$tools/venv" || fail "python3 cannot make a venv. Debian: apt-get install python3-venv"
"$tools/venv/bin/pip" install --quiet --disable-pip-version-check "$DKIMPY" "$PYNACL" "$DNSPYTHON" ||
    fail "pip cannot install $DKIMPY"
judge() {
    "$tools/venv/bin/python" scripts/mails_judge.py "$@"
}

echo "== the mails are written"
"$CARGO" build --locked --quiet
for key in r1:rsa e1:ed25519; do
    option=--${key#*:}
    [[ $option == --ed25519 ]] || option=
    # shellcheck disable=SC2086 # no option is no argument
    target/debug/postiljon dkim new --json --domain meridiaan.example --selector "${key%:*}" \
        --out "$folder/${key#*:}.pem" $option >"$folder/${key%:*}.json"
done
POSTILJON_TEST_MAILS_FOLDER=$folder "$CARGO" test --locked --quiet --test it -- --ignored --exact \
    mail::shipped::the_shipped_mails_are_written_for_the_judges >"$tools/test.log" 2>&1 || {
    cat "$tools/test.log" >&2
    fail "the mails were not written"
}
judge prepare "$folder"

echo "== they are judged"
judge mails "$folder"
perl scripts/mails_spam.pl "$folder"
# It exits with 1 when it finds something: what, says the table.
java -jar tests/mails/node_modules/vnu-jar/build/dist/vnu.jar --format json --errors-only --stdout \
    "$folder"/html/*.html >"$tools/vnu.json" || true
judge vnu "$folder" "$tools/vnu.json"
node tests/mails/clients.mjs "$folder"
node tests/mails/axe.mjs "$folder"
judge table "$folder"
