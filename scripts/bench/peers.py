#!/usr/bin/env python3
"""Speech enhancers that know neither source, on the mixtures of open.py: noisereduce (stationary or not) and RNNoise.

usage: scripts/bench/peers.py DIR

DIR is that of open.py, with mixtures (open.py --mixtures-only makes them). Every peer's estimate of the voice and the rest of the
mixture are written to DIR/peers/NAME, where open.py finds and scores them. Needs the packages in scripts/bench/requirements.txt;
cargo builds RNNoise (scripts/bench/rnnoise), which works at 48 kHz: mixtures are resampled to it and back.
"""
import os, subprocess, sys

import noisereduce, numpy, soundfile
from scipy.signal import resample_poly

HERE = os.path.dirname(os.path.abspath(__file__))
FACTOR = 3  # 16 to 48 kHz


def rnnoise(mixture, rate, program):
    input = resample_poly(mixture, FACTOR, 1).astype("<f4")
    done = subprocess.run([program], input=input.tobytes(), capture_output=True, check=True)
    return resample_poly(numpy.frombuffer(done.stdout, "<f4"), 1, FACTOR)[:len(mixture)]


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    out = sys.argv[1]
    subprocess.run(["cargo", "build", "--release", "-q"], cwd=os.path.join(HERE, "rnnoise"), check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "rnnoise", "target"))
    program = os.path.join(target, "release", "nae-rnnoise")
    peers = {
        "noisereduce, stationary": lambda x, rate: noisereduce.reduce_noise(y=x, sr=rate, stationary=True),
        "noisereduce": lambda x, rate: noisereduce.reduce_noise(y=x, sr=rate, stationary=False),
        "RNNoise": lambda x, rate: rnnoise(x, rate, program),
    }
    for scenario in sorted(os.listdir(os.path.join(out, "mixtures"))):
        # the only ones with one voice and one noise
        if not scenario.startswith(("S1", "S2")):
            continue
        for pair in sorted(os.listdir(os.path.join(out, "mixtures", scenario))):
            mixture, rate = soundfile.read(os.path.join(out, "mixtures", scenario, pair, "mixture.wav"))
            names = pair.split("+")
            voice, noise = names if scenario.startswith("S1") else reversed(names)
            for name, peer in peers.items():
                folder = os.path.join(out, "peers", name, scenario, pair)
                if os.path.exists(os.path.join(folder, noise + ".wav")):
                    continue
                os.makedirs(folder, exist_ok=True)
                estimate = peer(mixture, rate)
                soundfile.write(os.path.join(folder, voice + ".wav"), estimate, rate, subtype="FLOAT")
                soundfile.write(os.path.join(folder, noise + ".wav"), mixture - estimate, rate, subtype="FLOAT")


if __name__ == "__main__":
    main()
