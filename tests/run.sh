#!/bin/sh
# Builds the programs and runs every test: ./tests/run.sh [arguments of nextest or cargo test]
set -eu
cd "$(dirname "$0")/.."
# Stories with a real daemon: litecoind on regtest. Never the one to run a pool with, it is of 2022.
if [ ! -x /usr/lib/litecoin/litecoind ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing litecoind for the stories with a real daemon" >&2
        apt-get install -qq -y --no-install-recommends litecoind >/dev/null 2>&1 ||
            { apt-get update -qq && apt-get install -qq -y --no-install-recommends litecoind; } >/dev/null 2>&1 || true
    fi
    if [ ! -x /usr/lib/litecoin/litecoind ]; then
        echo "** SKIPPED: the stories with a real daemon, because litecoind is not installed (apt-get install litecoind) **" >&2
        [ "${CI_STRICT:-0}" = 0 ] || exit 1
    fi
fi
# The stories start poolnode and devminer from the same target folder.
cargo build --locked --workspace --bins
if cargo nextest --version >/dev/null 2>&1; then
    exec cargo nextest run --locked --workspace "$@"
fi
echo "cargo-nextest is not installed; using cargo test, one story at a time" >&2
cargo test --locked --workspace --exclude tests "$@"
export RUST_TEST_THREADS=1
exec cargo test --locked -p tests "$@"
