#!/usr/bin/env bash
# Runs fuzz targets for longer than the tests do, led by coverage. `fuzz.sh [SECONDS [TARGET...]]`: 60 seconds each of all of
# them, or of those that are named. What it finds it keeps in `__fuzz__/<target>/crashes` beside the target, where the tests
# run it again; what reaches new code stays in `corpus` beside that. Works with stable Rust.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

seconds=${1:-60}
shift || true
# PACKAGE:TARGET.
all=(
    vestibule-jose:fuzz::jws vestibule-jose:fuzz::jwe vestibule-jose:fuzz::jwk vestibule-jose:fuzz::pem
    vestibule-provider-oauth2:fuzz::redirect_uri vestibule-provider-oauth2:fuzz::parameters vestibule-provider-oauth2:fuzz::basic
    vestibule-provider-oauth2:fuzz::proof vestibule-provider-oauth2:fuzz::authorization_request
)
[ "$#" -gt 0 ] || set -- "${all[@]}"

tool=${CARGO_TARGET_DIR:-target}/fuzz
if [ ! -x "$tool/bin/cargo-bolero" ]; then
    step "Build cargo-bolero" cargo install --quiet --locked --version 0.13.5 --no-default-features --features libfuzzer \
        --root "$tool" cargo-bolero || exit 1
fi
code=0
for target in "$@"; do
    step "$target" nice -n 10 "$tool/bin/cargo-bolero" bolero test --rustc-bootstrap --sanitizer NONE --package "${target%%:*}" \
        -T "${seconds}s" "${target#*:}" || code=1
done
times
exit "$code"
