#!/bin/sh
# Builds the programs and breaks nodes: ./tests/faults/run.sh [--kills N] [--power-cuts N] [--only FAULT] [--seed S] [--json]
# Part of it needs root (mounts, limits) and tools (mkfs.ext4, perl, strace, prlimit, faketime); what is missing is skipped, loudly.
set -eu
cd "$(dirname "$0")/../.."
# FAULTS_BIN: a folder with poolnode and faults, instead of a build.
if [ -z "${FAULTS_BIN:-}" ]; then
    # cargo says on stderr what it does: the first build takes minutes.
    cargo build --locked --workspace --bins >&2
    FAULTS_BIN="${CARGO_TARGET_DIR:-target}/debug"
fi
exec "$FAULTS_BIN/faults" "$@"
