#!/usr/bin/env bash
# The pictures of the README, made anew: starts the demo, composes an issue, and looks at three pages in light at 1,280
# pixels. See docs/design.md.
#
#   scripts/screenshots.sh
#
# Needs what scripts/browser.sh needs; pngquant makes the files smaller where it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "scripts/screenshots.sh: $*" >&2
    exit 1
}

# Largest picture, in bytes: a README is read on slow lines too.
readonly LARGEST=250000

command -v node >/dev/null && command -v npm >/dev/null || fail "there is no Node.js with npm. Debian: apt-get install nodejs npm"
cargo build --locked --quiet
(
    cd tests/browser
    if ! cmp --quiet package-lock.json node_modules/.lock-of-install; then
        npm ci --no-progress --loglevel=error >/dev/null || fail "npm cannot install playwright-core"
        cp package-lock.json node_modules/.lock-of-install
    fi
    node screenshots.mjs ../../docs/images
)
for picture in docs/images/{compose,preview,sign-up}.png; do
    if command -v pngquant >/dev/null; then
        # 99: nothing better was found, which is fine.
        pngquant --force --skip-if-larger --strip --output "$picture" -- "$picture" || [[ $? == 99 || $? == 98 ]]
    fi
    size=$(stat --format=%s "$picture")
    ((size <= LARGEST)) || fail "$picture has $size bytes: install pngquant, or show less"
    echo "$picture: $size bytes"
done
