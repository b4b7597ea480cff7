#!/bin/sh
# What a change of the dashboard has to pass: format, types, unit tests, dist as built from these sources, and, where there is a
# Chromium, every page with made-up data. Says so loudly where npm is missing. Usage: ci.sh [--no-browser]
set -eu
cd "$(dirname "$0")"

if ! command -v npm >/dev/null 2>&1; then
    echo "dashboard: SKIPPED, npm is not installed: dist/ was not compared with its sources" >&2
    exit "${CI_STRICT:-0}"
fi

npm ci --no-audit --no-fund --loglevel=error
npm run --silent format:check
npm run --silent typecheck
npm run --silent test
npm run --silent build
if [ -n "$(git status --porcelain -- dist)" ]; then
    git --no-pager status --short -- dist >&2
    echo "dashboard: dist/ is not what the sources give: run 'npm run build' in node/dashboard and commit it" >&2
    exit 1
fi

if [ "${1:-}" = "--no-browser" ]; then
    exit 0
fi
if [ ! -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
    echo "dashboard: browser tests SKIPPED, there is no ${CHROMIUM:-/usr/bin/chromium} (Debian package chromium)" >&2
    exit "${CI_STRICT:-0}"
fi
npm run --silent browser
