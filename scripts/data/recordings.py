"""Recordings taken as they are, cut into a part to train on and a part to test on."""

import numpy as np

from recipe import Clip
from sound import decode, peak_level, wav


def halves(folder, package, sources, load, share, peak):
    """`train.wav`, the first share of a recording, and `test.wav`, the rest."""

    def part(name):
        def make(paths):
            samples = load(paths)
            cut = int(len(samples) * share)
            return wav(peak_level(samples[:cut] if name == "train" else samples[cut:], peak))

        return Clip(f"{folder}/{name}.wav", package, tuple(sources), make)

    return [part("train"), part("test")]


def files(paths):
    return np.concatenate([decode(path) for path in paths])
