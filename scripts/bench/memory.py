#!/usr/bin/env python3
"""Peak memory of nae's tasks, from short to long: a table in Markdown.

usage: scripts/bench/memory.py [--nae PROGRAM] [--only WORD,...] [--dir DIR] [--quick] [--list]

Sounds are made by repeating the recordings in data/ with a changing level. The long ones need room: 19 h are 2.2 GB, and twice
that for each of two stems. Peak memory is the largest resident set of the process, as the system counts it.
--quick trains with few steps, which takes up to a tenth less memory.
Needs Python's standard library, and cargo unless --nae is given.
"""
import argparse
import array
import os
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RATE = 16_000
VOICES = ["allison_en_f", "librivox_en_m", "carlo_it_m", "ivrvoice_ru_f"]
MINUTE, HOUR = 60, 3600


def voice(name):
    """A minute of a voice at most, as 16-bit integers."""
    samples = array.array("h")
    for path in sorted((ROOT / "data" / "speech" / name / "train").glob("*.wav")):
        with wave.open(str(path), "rb") as file:
            assert file.getframerate() == RATE and file.getsampwidth() == 2 and file.getnchannels() == 1, path
            samples.frombytes(file.readframes(file.getnframes()))
    return samples[: MINUTE * RATE]


def mixed(*voices):
    length = min(map(len, voices))
    return array.array("h", (sum(samples[i] for samples in voices) // len(voices) for i in range(length)))


def write_long(path, samples, seconds, channels=1):
    """Repeats a sound to a length, each time a little softer or louder."""
    levels = [array.array("h", (int(x * gain) for x in samples)) for gain in (1.0, 0.8, 0.9)]
    if channels == 2:
        levels = [array.array("h", (x for pair in zip(level, reversed(level)) for x in pair)) for level in levels]
    left, turn = round(seconds * RATE) * channels, 0
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, RATE, 0, "NONE", ""))
        while left > 0:
            part = levels[turn % len(levels)][:left]
            file.writeframesraw(part.tobytes())
            left -= len(part)
            turn += 1


class Bench:
    def __init__(self, program, folder, is_quick):
        self.program, self.folder = program, folder
        sets = lambda *values: [item for value in values for item in ("--set", value)]
        self.quick = {"train": sets("train.max_steps=100", "train.refine.passes=10"), "join": sets("joint.steps=20")} if is_quick else {}
        self.voices = {name: voice(name) for name in VOICES[:2]}
        self.models = []

    def sound(self, name, samples, seconds, channels=1):
        path = self.folder / name
        write_long(path, samples, seconds, channels)
        return path

    def mixture(self, seconds):
        return self.sound("mixture.wav", mixed(*self.voices.values()), seconds)

    def model(self, index):
        """One of up to six models of 25 s of a voice, trained once."""
        path = self.folder / f"model-{index}.safetensors"
        if not path.exists():
            clips = ROOT / "data" / "speech" / VOICES[index % len(VOICES)] / "train"
            self.run("train", clips, "--out", path, "--name", f"voice{index}", "--seed", index)
        return path

    def joint(self, count):
        path = self.folder / f"joint-{count}.safetensors"
        if not path.exists():
            self.join(count, path)
        return path

    def join(self, count, path):
        models = [item for index in range(count) for item in ("--model", self.model(index))]
        return self.run("join", *models, "--out", path)

    def run(self, *arguments):
        """Runs nae: exit status, peak in MiB, seconds, last line said."""
        command = [self.program, *map(str, arguments), *([] if arguments[0] == "evaluate" else ["--device", "cpu"]), *self.quick.get(arguments[0], []), "-q"]
        with tempfile.TemporaryFile("w+") as said:
            started = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - started
            said.seek(0)
            lines = [line for line in said.read().splitlines() if line.strip()]
        return os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024, seconds, lines[-1] if lines else ""

    def train(self, seconds):
        clip = self.sound("clip.wav", next(iter(self.voices.values())), seconds)
        try:
            return self.run("train", clip, "--out", self.folder / "trained.safetensors", "--force")
        finally:
            clip.unlink()

    def separate(self, seconds, is_joint):
        models = ["--joint", self.joint(2)] if is_joint else ["--model", self.model(0), "--model", self.model(1)]
        mixture, stems = self.mixture(seconds), self.folder / "stems"
        try:
            status, peak, took, said = self.run("separate", mixture, *models, "--out", stems)
            if status == 0:
                self.check_stems(stems, mixture, seconds)
            return status, peak, took, said
        finally:
            mixture.unlink()
            shutil.rmtree(stems, ignore_errors=True)

    def check_stems(self, stems, mixture, seconds):
        """Both are there, and as long as the mixture."""
        for name in ("voice0.wav", "voice1.wav"):
            size = (stems / name).stat().st_size - round(seconds * RATE) * 4
            assert 44 <= size <= 200, f"{name}: {size}"

    def evaluate(self, seconds):
        sounds = [self.sound(f"{name}.wav", samples, seconds, 2) for name, samples in self.voices.items()]
        mixture = self.sound("both.wav", mixed(*self.voices.values()), seconds, 2)
        try:
            return self.run("evaluate", "--reference", *sounds, "--estimate", mixture, sounds[1], "--mixture", mixture, "--json")
        finally:
            for path in (*sounds, mixture):
                path.unlink()


def cases(bench):
    join = lambda count: lambda: bench.join(count, bench.folder / "joined.safetensors")
    return {
        "train on 25 s": lambda: bench.train(25),
        "train on 25 min": lambda: bench.train(25 * MINUTE),
        "train on 10 h": lambda: bench.train(10 * HOUR),
        "join 2 sources": join(2),
        "join 6 sources": lambda: (bench.folder / "joined.safetensors").unlink(missing_ok=True) or join(6)(),
        "separate 6 min by models": lambda: bench.separate(6 * MINUTE, False),
        "separate 6 h by models": lambda: bench.separate(6 * HOUR, False),
        "separate 6 min by a joint encoder": lambda: bench.separate(6 * MINUTE, True),
        "separate 6 h by a joint encoder": lambda: bench.separate(6 * HOUR, True),
        "separate 19 h by a joint encoder": lambda: bench.separate(19 * HOUR, True),
        "evaluate 10 min of stereo, 2 sources": lambda: bench.evaluate(10 * MINUTE),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nae", help="a binary to use instead of building one")
    parser.add_argument("--only", help="words of the cases to run, separated by commas")
    parser.add_argument("--dir", help="folder for the sounds (default: a temporary one)")
    parser.add_argument("--quick", action="store_true", help="train with few steps")
    parser.add_argument("--list", action="store_true", help="print the cases and exit")
    options = parser.parse_args()
    program = options.nae
    if not program and not options.list:
        subprocess.run(["cargo", "build", "--release", "-q"], cwd=ROOT, check=True)
        program = os.path.join(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "release", "nae")
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        all_cases = cases(Bench(program, Path(folder), options.quick))
        words = options.only.split(",") if options.only else [""]
        wanted = {name: case for name, case in all_cases.items() if any(word in name for word in words)}
        if options.list:
            print("\n".join(wanted))
            return
        print("| task | peak memory, MiB | seconds | |\n|---|---|---|---|", flush=True)
        failed = False
        for name, case in wanted.items():
            status, peak, seconds, said = case()
            failed |= status < 0
            note = "" if status == 0 else f"status {status}: {said}"
            print(f"| {name} | {peak:.0f} | {seconds:.0f} | {note} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
