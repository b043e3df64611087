"""Makes the golden values of nae-metrics.

    python3 -m venv ~/.venv-metrics
    ~/.venv-metrics/bin/pip install -r scripts/metrics/requirements.txt
    ~/.venv-metrics/bin/python scripts/metrics/golden.py

Writes crates/nae-metrics/tests/golden/scores.json: for each case the recipe of its signals, a checksum
of each signal, and the scores that mir_eval 0.8.2 (BSS_eval), pystoi 0.4.1 (STOI, ESTOI) and a NumPy
least squares (one tap) give. The tests need none of them: they make the same signals from the same
recipes, bit for bit, since everything below the line "Signals" is integer arithmetic (`>>` rounds
down). crates/nae-testing/src/speech.rs makes the same signals in Rust.
"""

import importlib.metadata
import json
import pathlib
import sys
import warnings

import numpy as np
import pystoi
from mir_eval import separation

VERSIONS = {"mir_eval": "0.8.2", "pystoi": "0.4.1"}
OUTPUT = pathlib.Path(__file__).parents[2] / "crates/nae-metrics/tests/golden/scores.json"

# ESTOI in pystoi adds noise of 2e-16: seeded, so that the file is the same every time.
ESTOI_SEED = 4

# --- Signals ------------------------------------------------------------------------------------

HARMONIC_WEIGHTS = [120, 200, 256, 150, 90, 60, 120, 160, 80, 40, 30, 20]


class Noise:
    """A linear congruential generator; the top 16 of its 64 bits, around zero."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 48) - 32768


def curve(phase):
    """Two parabolas in place of a sine: period 65536, amplitude 32768."""
    half = phase & 32767
    height = (half * (32768 - half)) >> 13
    return -height if phase & 32768 else height


def clamp(value):
    return max(-32768, min(32767, value))


def voice(recipe, samples):
    """A harmonic tone with vibrato and syllables, bursts of noise between them, a noise floor."""
    noise = Noise(recipe["seed"])
    pitch, syllable_step = recipe["pitch"], recipe["syllable"]
    phase = vibrato = syllable = 0
    signal = []
    for _ in range(samples):
        vibrato += 21
        syllable += syllable_step
        phase += pitch + ((curve(vibrato) * pitch) >> 20)
        harmonics = 0
        for index, weight in enumerate(HARMONIC_WEIGHTS):
            harmonics += (curve(phase * (index + 1)) * weight) >> 8
        voiced = max(0, curve(syllable) + 8192)
        burst = max(0, curve(3 * syllable + 20000) - 16384)
        sample = (harmonics * voiced) >> 18
        sample += (noise.next() * burst) >> 17
        sample += noise.next() >> 9
        signal.append(clamp(sample))
    return signal


def source(recipe, samples, earlier):
    """A voice, louder or quieter, later, perhaps on top of an earlier source."""
    own = voice(recipe, samples)
    delay, gain = recipe.get("delay", 0), recipe.get("gain", 256)
    signal = [0] * delay + own[: samples - delay]
    signal = [(value * gain) >> 8 for value in signal]
    if "on" in recipe:
        below = earlier[recipe["on"]]
        signal = [clamp(a + b) for a, b in zip(signal, below)]
    return signal


def estimate(recipe, samples, sources):
    """Sources, each delayed and weighted (`parts`: source, delay, gain), noise and an offset."""
    total = [0] * samples
    for index, delay, gain in recipe["parts"]:
        part = sources[index]
        for n in range(delay, samples):
            total[n] += part[n - delay] * gain
    noise = Noise(recipe["seed"])
    level, offset = recipe.get("noise", 0), recipe.get("offset", 0)
    return [clamp((value >> 8) + ((noise.next() * level) >> 16) + offset) for value in total]


def checksum(signal):
    total = 0
    for value in signal:
        total = (total * 31 + (value & 65535)) % 2**32
    return total


# --- Cases --------------------------------------------------------------------------------------

VOICES = [
    {"seed": 11, "pitch": 491, "syllable": 16},
    {"seed": 22, "pitch": 863, "syllable": 19},
    {"seed": 33, "pitch": 655, "syllable": 13},
    {"seed": 44, "pitch": 1130, "syllable": 23},
]


def voices(count, **changes):
    """The first voices, with what `changes` says of each: `gain=[256, 3]`."""
    return [
        dict(VOICES[i], **{key: values[i] for key, values in changes.items()}) for i in range(count)
    ]


def separated(count, leak=50, noise=400, smear=40):
    """Estimates as a fair separation gives: coloured, with some of the next sources and noise."""
    return [
        {
            "seed": 100 + i,
            "parts": [[i, 0, 230], [i, 1, smear], [i, 7, -smear]]
            + [[(i + k) % count, 2 * k, leak // k] for k in range(1, count)],
            "noise": noise,
        }
        for i in range(count)
    ]


def case(name, samples, sources, estimates, rate=16000, taps=512):
    return {
        "name": name,
        "sample_rate": rate,
        "samples": samples,
        "taps": taps,
        "sources": sources,
        "estimates": estimates,
    }


CASES = [
    case("one source", 16000, voices(1), separated(1)),
    case("two sources, 1 s", 16000, voices(2), separated(2)),
    case("two sources, 10 s", 160000, voices(2), separated(2, leak=25, noise=150)),
    case("two sources, 20 s", 320000, voices(2), separated(2, leak=80)),
    case("three sources, 5 s", 80000, voices(3), separated(3)),
    case("four sources, 3 s", 48000, voices(4), separated(4)),
    case("four sources, 12 s", 192000, voices(4), separated(4, leak=90, noise=1000)),
    case("short: a quarter of a second", 4000, voices(2), separated(2)),
    case("short: little more than the filters", 1300, voices(2), separated(2)),
    case("level-shifted", 32000, voices(2, gain=[256, 6]), separated(2, leak=100)),
    case("level-shifted estimate", 32000, voices(2), [
        {"seed": 1, "parts": [[0, 0, 9], [1, 0, 3]], "noise": 4},
        {"seed": 2, "parts": [[1, 0, 500], [0, 0, -90]], "noise": 600},
    ]),
    case("delayed", 48000, voices(3, delay=[0, 300, 4000]), [
        {"seed": 1, "parts": [[0, 100, 200], [1, 20, 40]], "noise": 300},
        {"seed": 2, "parts": [[1, 511, 200], [2, 512, 40]], "noise": 300},
        {"seed": 3, "parts": [[2, 700, 256], [0, 0, 20]], "noise": 300},
    ]),
    case("nearly collinear", 48000, [
        VOICES[0],
        dict(VOICES[1], on=0, gain=8),
    ], separated(2, leak=60)),
    case("more nearly collinear", 48000, [
        VOICES[0],
        dict(VOICES[1], on=0, gain=1),
    ], separated(2, leak=60)),
    case("the mixture in every place", 32000, voices(2), [
        {"seed": 1, "parts": [[0, 0, 200], [1, 0, 200]]},
        {"seed": 1, "parts": [[0, 0, 200], [1, 0, 200]]},
    ]),
    case("exchanged", 32000, voices(3), [
        {"seed": 1, "parts": [[2, 0, 200], [1, 0, 60]], "noise": 500},
        {"seed": 2, "parts": [[0, 0, 200], [2, 3, 70]], "noise": 500},
        {"seed": 3, "parts": [[1, 0, 200], [0, 9, 50]], "noise": 500},
    ]),
    case("perfect", 16000, voices(2), [
        {"seed": 1, "parts": [[0, 0, 256]]},
        {"seed": 2, "parts": [[1, 0, 256]]},
    ]),
    case("nearly perfect", 16000, voices(2), [
        {"seed": 1, "parts": [[0, 0, 256]], "noise": 4},
        {"seed": 2, "parts": [[1, 0, 250]]},
    ]),
    case("noise alone", 16000, voices(2), [
        {"seed": 1, "parts": [], "noise": 8000},
        {"seed": 2, "parts": [[1, 0, 16]], "noise": 8000},
    ]),
    case("with an offset", 16000, voices(2), [
        dict(recipe, offset=700) for recipe in separated(2)
    ]),
    case("32 taps", 32000, voices(3), separated(3), taps=32),
    case("2 taps", 8000, voices(2), separated(2), taps=2),
    case("8 kHz", 16000, voices(2), separated(2), rate=8000),
    case("10 kHz", 20000, voices(2), separated(2), rate=10000),
    case("22.05 kHz", 44100, voices(2), separated(2), rate=22050),
    case("44.1 kHz", 88200, voices(2), separated(2), rate=44100),
    case("48 kHz", 72000, voices(2), separated(2), rate=48000),
    case("too few frames for STOI", 6572, voices(1), separated(1)),
    case("10 kHz, a whole number of frames", 128 * 50, voices(1), separated(1), rate=10000),
]

# --- Scores -------------------------------------------------------------------------------------


def bss_eval(references, estimates, taps):
    """mir_eval's scores of every estimate (rows) against every reference (columns)."""
    table = np.empty((3, len(estimates), len(references)))
    for e, signal in enumerate(estimates):
        for r in range(len(references)):
            parts = separation._bss_decomp_mtifilt(references, signal, r, taps)
            table[:, e, r] = separation._bss_source_crit(*parts)
    return table


def one_tap(references, estimates):
    """The scale-invariant ratios by least squares on the signals themselves."""

    def db(a, b):
        return np.inf if np.sum(b**2) == 0 else 10 * np.log10(np.sum(a**2) / np.sum(b**2))

    rows = []
    for j, signal in enumerate(estimates):
        own = references[j : j + 1].T
        target = own @ np.linalg.lstsq(own, signal, rcond=None)[0]
        everything = references.T
        explained = everything @ np.linalg.lstsq(everything, signal, rcond=None)[0]
        # With one reference the two are the same; say so exactly.
        interference = explained - target if len(references) > 1 else np.zeros(1)
        rows.append([
            db(target, signal - target),
            db(target, interference),
            db(explained, signal - explained),
        ])
    return np.array(rows).T


def scores(references, estimates, recipe):
    taps = recipe["taps"]
    table = bss_eval(references, estimates, taps)
    diagonal = table[:, range(len(references)), range(len(references))]
    result = dict(zip(("sdr", "sir", "sar"), diagonal))
    if taps == 512:
        public = separation.bss_eval_sources(references, estimates, compute_permutation=False)
        for name, values in zip(("sdr", "sir", "sar"), public):
            np.testing.assert_array_equal(values, result[name])
        permuted = separation.bss_eval_sources(references, estimates, compute_permutation=True)
        result["permutation"] = permuted[3]
        for name, values in zip(("sdr", "sir", "sar"), permuted):
            result[f"permuted_{name}"] = values
    result.update(zip(("si_sdr", "si_sir", "si_sar"), one_tap(references, estimates)))
    rate = recipe["sample_rate"]
    pairs = list(zip(references, estimates))
    result["stoi"] = [pystoi.stoi(r, e, rate) for r, e in pairs]
    np.random.seed(ESTOI_SEED)
    result["estoi"] = [pystoi.stoi(r, e, rate, extended=True) for r, e in pairs]
    return {name: plain(values) for name, values in result.items()}


def plain(values):
    """JSON has no infinity: a string stands for it."""
    if np.issubdtype(np.asarray(values).dtype, np.integer):
        return [int(value) for value in values]
    return [float(value) if np.isfinite(value) else str(float(value)) for value in values]


def main():
    for package, wanted in VERSIONS.items():
        found = importlib.metadata.version(package)
        if found != wanted:
            sys.exit(f"{package} is {found}: expected {wanted}. Install scripts/metrics/requirements.txt")
    warnings.simplefilter("ignore")
    cases = []
    for recipe in CASES:
        sources = []
        for one in recipe["sources"]:
            sources.append(source(one, recipe["samples"], sources))
        estimates = [estimate(one, recipe["samples"], sources) for one in recipe["estimates"]]
        as_floats = [np.array(signals) / 32768.0 for signals in (sources, estimates)]
        cases.append(dict(
            recipe,
            checksums=[checksum(signal) for signal in sources + estimates],
            scores=scores(*as_floats, recipe),
        ))
        print(recipe["name"], json.dumps(cases[-1]["scores"]), flush=True)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in cases)
    OUTPUT.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
