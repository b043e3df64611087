"""speakers/: eight voices, `train/` and `test/` with disjoint prompts."""

import tomllib
from pathlib import Path

import numpy as np

from recipe import Clip
from sound import RATE, decode, speech_level, trim_pauses, wav

CHANGES = (
    "each prompt was decoded and resampled to 16 kHz mono, its mean removed, silence at both ends trimmed, pauses longer than "
    "0.35 s shortened, the level set to −24 dB RMS over the active parts, and rounded to 16 bits; short prompts were joined"
)


def clips():
    """All clips of all speakers."""
    with open(Path(__file__).with_name("speakers.toml"), "rb") as file:
        speakers = tomllib.load(file)
    for name, speaker in speakers.items():
        for part in ("train", "test"):
            for number, prompts in enumerate(speaker[part]):
                sources = tuple(f"{speaker['folder']}/{prompt}" for prompt in prompts)
                yield Clip(f"speakers/{name}/{part}/{number:02d}.wav", speaker["package"], sources, joined)


def joined(paths):
    """The prompts one after the other, a tenth of a second apart."""
    prompts = [speech_level(trim_pauses(decode(path))) for path in paths]
    pieces = prompts[:1]
    for prompt in prompts[1:]:
        pieces += [np.zeros(RATE // 10), prompt]
    return wav(np.concatenate(pieces))
