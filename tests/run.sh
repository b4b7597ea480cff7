#!/bin/sh
# Builds the programs and runs every test: ./tests/run.sh [arguments of nextest or cargo test]
set -eu
cd "$(dirname "$0")/.."
# The stories start poolnode and devminer from the same target folder.
cargo build --locked -p cli -p testnet
if cargo nextest --version >/dev/null 2>&1; then
    exec cargo nextest run --locked --workspace "$@"
fi
echo "cargo-nextest is not installed; using cargo test, one story at a time" >&2
cargo test --locked --workspace --exclude tests "$@"
export RUST_TEST_THREADS=1
exec cargo test --locked -p tests "$@"
