#!/bin/sh
# Names each missing prerequisite with the command that installs it, and adds Rust's wasm target where rustup can.
set -eu

TARGET=$1
OLDEST_RUST=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
OLDEST_NODE=20
RUSTUP='curl --proto "=https" --tlsv1.2 -sSf https://sh.rustup.rs | sh'
NODE='curl -fsSL https://fnm.vercel.app/install | bash, then in a new shell: fnm install 22'
if [ "$(uname)" = Darwin ]; then
  CC='xcode-select --install'
  NODE='brew install node'
elif command -v dnf >/dev/null; then
  CC='sudo dnf install gcc'
else
  CC='sudo apt-get install build-essential'
fi

complete=true
missing() {
  echo "$1. To install it: $2" >&2
  complete=false
}
# Whether version $1 is at least $2, both of the form major.minor.
at_least() {
  [ "${1%%.*}" -gt "${2%%.*}" ] || { [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${1#*.}" -ge "${2#*.}" ]; }
}

command -v cc >/dev/null || missing 'A C compiler (cc) is missing' "$CC"

if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
  missing 'Rust (cargo) is missing' "$RUSTUP"
else
  rust=$(rustc --version | sed 's/^rustc \([0-9]*\.[0-9]*\).*/\1/')
  at_least "$rust" "$OLDEST_RUST" || missing "Rust $rust is too old, $OLDEST_RUST is needed" 'rustup update stable'
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$TARGET/lib" ]; then
    if command -v rustup >/dev/null; then
      echo "Adding Rust's target $TARGET, some seconds."
      rustup target add "$TARGET" || missing "Rust's target $TARGET is missing" "rustup target add $TARGET"
    else
      missing "Rust's target $TARGET is missing, and rustup, which adds it" "$RUSTUP"
    fi
  fi
fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  missing 'Node.js (node and npm) is missing' "$NODE"
else
  node=$(node --version | sed 's/^v\([0-9]*\.[0-9]*\).*/\1/')
  at_least "$node" "$OLDEST_NODE.0" || missing "Node.js $node is too old, $OLDEST_NODE is needed" "$NODE"
fi

$complete
