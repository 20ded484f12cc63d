#!/usr/bin/env bash
# Packs the package, installs the tarball in an empty folder, and runs it there: what a user of npm gets.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export NODE_COMPILE_CACHE= XDG_DATA_HOME=$folder/data

fail() {
  echo "tarball: $*" >&2
  exit 1
}

cd "$root"
tarball=$(npm pack --silent --pack-destination "$folder" | tail -n 1)
mkdir "$folder/app" && cd "$folder/app"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent "../$tarball"

# The user's own Node stays first on the PATH of the user's own scripts.
[ ! -e node_modules/.bin/node ] || fail "it puts a node of its own in node_modules/.bin"
[ -d node_modules/loopscope/examples/codecs ] || fail "the examples are missing"

npx loopscope --version
# A verdict depends on what else this machine does: asked up to three times, each answer kept.
for attempt in 1 2 3; do
  npx loopscope lab demo --duration 3s --html "$folder/report.html" >"$folder/out$attempt.txt" && break
  [ "$attempt" = 3 ] && { cat "$folder"/out?.txt; fail "the demo found something else, three times"; }
  rm -f "$folder/report.html"
done
test -s "$folder/report.html"

# The examples load where they lie, and from a folder that knows no loopscope: what is not there is the server (4).
mkdir "$folder/elsewhere" && cp node_modules/loopscope/examples/scenarios/pages.ts "$folder/elsewhere"
for flags in "tcp://127.0.0.1:1/ --codec node_modules/loopscope/examples/codecs/agent-frame.ts --body x" \
  "http://127.0.0.1:1/ --scenario $folder/elsewhere/pages.ts"; do
  status=0
  npx loopscope load $flags --rate 10 --duration 1s >"$folder/out.txt" 2>&1 || status=$?
  [ "$status" = 4 ] || { cat "$folder/out.txt"; fail "load $flags: exit $status"; }
done

# As a library, by import and by require, without a word on standard error.
cat >script.mjs <<'END'
import { CULPRITS, parseTarget } from 'loopscope';
if (!CULPRITS.includes('healthy') || parseTarget('tcp://[::1]:1').protocol !== 'frame') process.exit(1);
END
echo "if (typeof require('loopscope').doctor !== 'function') process.exit(1);" >script.cjs
for script in script.mjs script.cjs; do
  npx loopscope-node "$script" 2>"$folder/err.txt" || { cat "$folder/err.txt"; fail "$script failed"; }
  [ ! -s "$folder/err.txt" ] || { cat "$folder/err.txt"; fail "$script printed a warning"; }
done

# An older Node gets a sentence.
old=$(PATH=${PATH//$root\/node_modules\/.bin:/} command -v node || true)
if [ -n "$old" ] && ! "$old" -e 'process.exit(+process.versions.node.split(".")[0] < 26 ? 1 : 0)'; then
  ! "$old" script.mjs 2>"$folder/err.txt" || fail "an older Node ran the library"
  grep -q 'loopscope needs Node 26.9 or newer' "$folder/err.txt" || { cat "$folder/err.txt"; fail "no sentence"; }
fi
echo "tarball: $tarball runs"
