#!/usr/bin/env bash
# Times BSS_eval (512 taps) of nae-metrics beside mir_eval and fast_bss_eval, in one run.
#
#   PYTHON=~/.venv-metrics/bin/python scripts/metrics/bench.sh [rounds]
#
# PYTHON has scripts/metrics/requirements.txt; with torch as well, fast_bss_eval's second backend is
# timed too. See bench.py for what is measured.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --quiet -p nae-metrics --example time_bss_eval
target="${CARGO_TARGET_DIR:-target}"
exec "${PYTHON:-python3}" scripts/metrics/bench.py "$target/release/examples/time_bss_eval" "${1:-7}"
