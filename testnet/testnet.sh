#!/bin/sh
# Builds the pool and runs it on this machine: ./testnet/testnet.sh [N] [--seconds S] [--json] [--dir DIR]
# In emulated regions, as root: ./testnet/testnet.sh --world N --seconds S [--partition REGION:START:LENGTH] [--loss-percent P]
#   and with nodes that fail and peers and miners that are hostile: [--outage NODE:START:LENGTH] [--rolling-restart START] [--hostile PLACES]
# How long a new node takes to catch up, as root: ./testnet/testnet.sh --sync-shares N [--rtt-ms MS] [--peers P]
set -eu
cd "$(dirname "$0")/.."
# cargo says on stderr what it does: the first build takes minutes.
cargo build --release --locked -p cli -p testnet >&2
exec "${CARGO_TARGET_DIR:-target}/release/testnet" "$@"
