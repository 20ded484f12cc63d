# Sourced by the commands beside it. They are shell scripts, because the `node` on a user's PATH may be too old to start
# us, and `exec` leaves one process, so that signals and exit codes need no forwarding.
# Sets $root, the folder of this package, and $node, a Node that is new enough; or says what to type, and exits with 2.

root=${self%/bin/*}

case $(uname -sm) in
  'Linux x86_64') arch=x64 ;;
  'Linux aarch64') arch=arm64 ;;
  *)
    echo "loopscope: $(uname -sm) is not supported: it needs Linux on x86-64 or arm64" >&2
    exit 2
    ;;
esac

# 26.9 is the first version with node:ffi on by default.
new_enough() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  rest=${version#*.}
  minor=${rest%%.*}
  case $major$minor in *[!0-9]* | '') return 1 ;; esac
  [ "$major" -gt 26 ] || { [ "$major" -eq 26 ] && [ "$minor" -ge 9 ]; }
}

# Where `npm install --prefix` puts a Node for us alone.
own=${XDG_DATA_HOME:-${HOME:-}/.local/share}/loopscope

node=
if [ -n "${LOOPSCOPE_NODE:-}" ]; then
  node=$LOOPSCOPE_NODE
else
  # "loopscope" beneath ourselves is Node for x86-64, so called that npm keeps it from the PATH of others: see
  # docs/decisions/node-from-npm.md. The name of the package itself is what a clone on arm64 has.
  for candidate in "$root/node_modules/loopscope" "$root/node_modules/node-linux-$arch" \
    "$own/node_modules/node-linux-$arch"; do
    if [ -x "$candidate/bin/node" ]; then
      node=$candidate/bin/node
      break
    fi
  done
  [ -n "$node" ] || node=$(command -v node 2>/dev/null) || node=
fi

if [ -z "$node" ] || ! new_enough "$node"; then
  echo "loopscope: Node 26.9 or newer is needed, found: ${node:-none}${node:+ ($("$node" --version 2>&1 | head -n 1))}" >&2
  if [ -d "$root/src" ]; then
    echo "  get one: run npm install in $root" >&2
  else
    echo "  get one for loopscope alone: npm install --prefix $own node-linux-$arch@26" >&2
  fi
  echo "  or name one that you have: LOOPSCOPE_NODE=/path/to/node" >&2
  exit 2
fi

# Node opens about twenty files to begin with, and ends in an assertion or a stack where it may not; then we need some.
files=$(ulimit -Hn 2>/dev/null) || files=unlimited
case $files in
  *[!0-9]* | '') ;;
  *)
    if [ "$files" -lt 36 ]; then
      echo "loopscope: EMFILE: a process may have $files open files here, too few to start" >&2
      echo "  try: ulimit -n 1024" >&2
      exit 1
    fi
    ;;
esac

# Types are stripped and code compiled once, not at every start: half the start-up time. Failing to write is no failure. What
# lies there is run: only in a folder of this user's own, which that of sudo's caller is not.
cache=${XDG_CACHE_HOME:-${HOME:-}}
if [ -z "${NODE_COMPILE_CACHE:-}" ] && [ -O "$cache" ]; then
  [ -n "${XDG_CACHE_HOME:-}" ] || cache=$cache/.cache
  export NODE_COMPILE_CACHE="$cache/loopscope"
fi
