#!/usr/bin/env bash
# Installs what is missing of the programs named, where that is possible; says what to do where it is not.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 && continue
    case "$program" in
    cargo)
        echo "Rust is missing. Install it from https://rustup.rs and run this again." >&2
        exit 1
        ;;
    cc) package=build-essential ;;
    *) package=$program ;;
    esac
    if ! apt_install "$package" || ! command -v "$program" >/dev/null 2>&1; then
        echo "$program is missing and could not be installed: install the package $package and run this again." >&2
        exit 1
    fi
done
