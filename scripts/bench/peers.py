#!/usr/bin/env python3
"""Speech enhancers that know neither source, on mixtures of one voice and one noise: noisereduce (stationary or not) and RNNoise.

usage: scripts/bench/peers.py DIR

DIR/mixtures holds the mixtures, of an experiment (nae sweep mixtures RUN --out DIR/mixtures) or of open.py (--mixtures-only makes
them). Every peer's estimate of the voice and the rest of the mixture are written to DIR/peers/NAME, where systems with `stems` and
open.py find and score them. Mixtures of two voices are passed over. Needs the packages in scripts/bench/requirements.txt;
cargo builds RNNoise (scripts/bench/rnnoise), which works at 48 kHz: mixtures are resampled to it and back.
"""
import json, os, subprocess, sys

import noisereduce, numpy, soundfile
from scipy.signal import resample_poly

HERE = os.path.dirname(os.path.abspath(__file__))
FACTOR = 3  # 16 to 48 kHz


def rnnoise(mixture, rate, program):
    input = resample_poly(mixture, FACTOR, 1).astype("<f4")
    done = subprocess.run([program], input=input.tobytes(), capture_output=True, check=True)
    return resample_poly(numpy.frombuffer(done.stdout, "<f4"), 1, FACTOR)[:len(mixture)]


def mixtures(folder):
    """Folders below `folder`, and the names of the voice and the noise that are mixed in each."""
    for path, _, files in sorted(os.walk(folder)):
        place = os.path.relpath(path, folder)
        if "mixture.json" in files:
            with open(os.path.join(path, "mixture.json")) as file:
                sources = json.load(file)["sources"]
            voices, noises = ([source["name"] for source in sources if source["pool"] == pool] for pool in ("speakers", "noises"))
            if len(voices) == len(noises) == 1:
                yield place, *voices, *noises
        elif "mixture.wav" in files and place.startswith(("S1", "S2")):
            # those of open.py, of which these are the only ones with one voice and one noise
            names = os.path.basename(path).split("+")
            yield place, *(names if place.startswith("S1") else reversed(names))


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
    for place, voice, noise in mixtures(os.path.join(out, "mixtures")):
        mixture, rate = soundfile.read(os.path.join(out, "mixtures", place, "mixture.wav"))
        for name, peer in peers.items():
            folder = os.path.join(out, "peers", name, place)
            if os.path.exists(os.path.join(folder, noise + ".wav")):
                continue
            os.makedirs(folder, exist_ok=True)
            estimate = peer(mixture, rate)
            soundfile.write(os.path.join(folder, voice + ".wav"), estimate, rate, subtype="FLOAT")
            soundfile.write(os.path.join(folder, noise + ".wav"), mixture - estimate, rate, subtype="FLOAT")


if __name__ == "__main__":
    main()
