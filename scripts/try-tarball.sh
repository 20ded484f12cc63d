#!/usr/bin/env bash
# Packs the package, installs the tarball in an empty folder, and runs it there: what a user of npm gets.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cd "$root"
tarball=$(npm pack --silent --pack-destination "$folder" | tail -n 1)
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent "./$tarball"
npx loopscope --version
npx loopscope lab demo --duration 3s --html "$folder/report.html" >"$folder/out.txt" || { cat "$folder/out.txt"; exit 1; }
grep -q 'loop.heavy-handler' "$folder/out.txt"
test -s "$folder/report.html"
node_modules/.bin/node --disable-warning=ExperimentalWarning --input-type=module \
  -e "import { CULPRITS, parseTarget } from 'loopscope'; if (!CULPRITS.includes('healthy') || parseTarget('tcp://[::1]:1').protocol !== 'frame') process.exit(1)"
echo "tarball: $tarball runs"
