#!/usr/bin/env bash
# A log of 100,000 entries, made by the product, verified by other people's programs. Needs Debian's golang-go and
# golang-golang-x-mod-dev, and node with npm.
set -euo pipefail
cd "$(dirname "$0")/../.."
required=required
if ! (cd tests/verifiers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
  echo "The package registry did not answer: what needs it is skipped." >&2
  required=
fi
CHANGEDESK_VERIFIERS=$required CHANGEDESK_VERIFY_ENTRIES="${1:-100000}" \
  exec "${VENV:-.venv}/bin/pytest" -q -s -p no:cacheprovider tests/stories/test_third_party_verifiers.py
