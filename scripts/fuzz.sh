#!/usr/bin/env bash
# Runs fuzz targets with the compiler that is there: scripts/fuzz.sh SECONDS [TARGET..]
#
# cargo-fuzz needs a nightly compiler for AddressSanitizer. The crate forbids unsafe code, so what is wanted of it here
# are the counters that lead libFuzzer, and those a stable compiler makes too. Needs a C++ compiler. What was found is
# kept in fuzz/corpus and fuzz/artifacts, which git does not see.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

seconds=${1:?usage: scripts/fuzz.sh SECONDS [TARGET..]}
shift
targets=("$@")
((${#targets[@]} > 0)) || targets=(replies filled_template canonical_form pasted)

# The flags of cargo-fuzz, without a sanitizer.
export RUSTFLAGS="--cfg fuzzing -C debug-assertions -C passes=sancov-module \
-C llvm-args=-sanitizer-coverage-level=4 -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
-C llvm-args=-sanitizer-coverage-pc-table -C llvm-args=-sanitizer-coverage-trace-compares"
host=$(rustc -vV | sed -n 's/^host: //p')
# With --target what runs while building is built without the counters.
cargo build --release --target "$host" "${targets[@]/#/--bin=}"
((seconds > 0)) || exit 0
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    echo "== $target, $seconds s"
    "${CARGO_TARGET_DIR:-target}/$host/release/$target" "corpus/$target" \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=512 \
        -artifact_prefix="artifacts/$target/" -print_final_stats=1
done
