#!/usr/bin/env bash
# The tests in a real browser: sign-up by keyboard, with and without scripts, embedded in another website; what
# mail scanners do; the journey in each language; axe on every page and mail. See docs/testing.md.
#
#   scripts/browser.sh                 all of them
#   scripts/browser.sh confirm access  the files whose names begin so
#
# Needs Chromium, Node.js with npm, python3 (Debian: chromium nodejs npm python3), and npm's registry or a mirror once,
# for two packages without dependencies. No browser is downloaded. Screenshots are in target/browser/.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "scripts/browser.sh: $*" >&2
    exit 1
}

command -v chromium >/dev/null || command -v chromium-browser >/dev/null || [[ -n ${CHROMIUM:-} ]] ||
    fail "there is no Chromium. Debian: apt-get install chromium; elsewhere name it in CHROMIUM"
command -v node >/dev/null && command -v npm >/dev/null || fail "there is no Node.js with npm. Debian: apt-get install nodejs npm"
command -v python3 >/dev/null || fail "there is no python3. Debian: apt-get install python3"

cargo build --locked --quiet
rm -rf target/browser
mkdir -p target/browser

cd tests/browser
# Again only when the lock file has changed.
if ! cmp --quiet package-lock.json node_modules/.lock-of-install; then
    npm ci --no-progress --loglevel=error >/dev/null || fail "npm cannot install playwright-core and axe-core"
    cp package-lock.json node_modules/.lock-of-install
fi
files=()
for name in "${@:-}"; do
    files+=("$name"*.test.mjs)
done
# Files side by side, where Node.js knows how (20.10 and later): they wait more than they work.
options=(--test)
if node --help | grep -q -e --test-concurrency; then
    options+=("--test-concurrency=${BROWSER_TESTS:-2}")
fi
exec node "${options[@]}" "${files[@]}"
