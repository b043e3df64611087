#!/usr/bin/env bash
# Compares GPU and CPU: scripts/bench/gpu.sh [PYTHON]
#
# On a machine with a GPU and its Vulkan driver: step times, with PyTorch on CUDA beside them where PYTHON (default python3)
# has numpy, safetensors and a PyTorch with CUDA; then 32 small models, trained and separated one by one and together, on the
# GPU and on the CPU. The first steps compile shaders and tune kernels: they are reported separately and not counted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${1:-python3}

cargo build --release -p nae-cli --features gpu --bins --examples
target=${CARGO_TARGET_DIR:-target}/release
"$target/nae" devices
echo
if "$python" -c 'import numpy, safetensors, torch' 2>/dev/null; then
  "$python" scripts/bench/steps.py --device gpu --repeat 3
else
  echo "no step times: $python lacks numpy, safetensors or torch"
fi
for device in --gpu ''; do
  for shape in '--rank 20 --layers 2' '--rank 100 --layers 4'; do
    printf '\n32 models, %s, %s\n\n' "$shape" "${device:-cpu}"
    # shellcheck disable=SC2086  # words
    "$target/examples/together" --models 32 $shape $device
  done
done
