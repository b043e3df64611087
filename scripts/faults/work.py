"""Quick work for every command, and what must hold of the files it leaves.

A trial's folder holds what earlier runs wrote (`earlier/`), and what the command in question writes (`out/`).
"""
import hashlib
import json
import math
import os
import shutil
import struct
import subprocess
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RATE = 8000
# the parts of tests/common/small.rs
AUDIO = ["--set", f"audio.sample_rate={RATE}", "--set", "audio.n_fft=256", "--set", "audio.hop=64"]
SMALL = [*AUDIO, "--set", "model.rank=8", "--set", "train.max_steps=400", "--set", "train.refine.passes=10"]
JOINT = [item for value in ("steps=30", "mixtures=2", "frames=40", "width=16", "blocks=1") for item in ("--set", f"joint.{value}")]

EXPERIMENT = """
name = "faults"
seeds = [0, 1]
[data]
speakers = "SPEECH"
pairs = ["allison_en_f+librivox_en_m"]
mixtures = 2
mixture_s = 1
train_s = 2
[train]
max_steps = 60
refine = { passes = 3 }
nmf = { updates = 10 }
[[system]]
name = "NMF"
model = { kind = "nmf", rank = 8 }
[[system]]
name = "joint"
model = { layers = 2, rank = 8 }
join = "memories"
joint = { steps = 5, width = 16, mixtures = 2, frames = 40 }
"""


class Fault(Exception):
    """Something promised did not hold."""


def tone(low, seconds, gain=0.3, rate=RATE):
    """Two partials with a slow swell, as bytes of 16 bits."""
    values = (
        gain * math.cos(math.tau * (3 + low / 500) * t) * (math.sin(math.tau * low * t) + 0.4 * math.sin(math.tau * 2 * low * t))
        for t in (n / rate for n in range(round(seconds * rate)))
    )
    return [round(32767 * value) for value in values]


def put_wav(path, samples, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


class Base:
    """Clips, a mixture, models, a joint file and a planned experiment."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        folder.mkdir(parents=True)
        low, high = tone(230, 2), tone(1900, 2)
        for name in ("low.wav", "low true.wav"):
            put_wav(self[name], low)
        for name in ("high.wav", "high true.wav"):
            put_wav(self[name], high)
        put_wav(self["mixture.wav"], [a + b for a, b in zip(low, high)])
        for name in ("low", "high"):
            self.nae("train", self[f"{name}.wav"], "--out", self[f"{name}.safetensors"], *SMALL)
        self.nae("join", *self.models(), "--out", self["both.safetensors"], *JOINT)
        self["faults.toml"].write_text(EXPERIMENT.replace("SPEECH", str(ROOT / "data" / "speech")))
        self.nae("sweep", "plan", self["faults.toml"], "--out", self["run"], cpu=False)

    def __getitem__(self, name):
        return self.folder / name

    def models(self):
        return ["--model", self["low.safetensors"], "--model", self["high.safetensors"]]

    def nae(self, *arguments, cpu=True):
        """Runs nae, which must succeed; its standard output."""
        command = [self.program, *map(str, arguments), *(["--device", "cpu"] if cpu else []), "-q"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise Fault(f"status {done.returncode}: {' '.join(command)}\n{done.stderr}")
        return done.stdout


class Work:
    """A command, and the files that it makes."""

    def __init__(self, name, arguments, products, prepare=None, follow=None):
        self.name, self.arguments, self.products = name, arguments, products
        self.prepare, self.follow = prepare or (lambda out: None), follow or (lambda out: None)

    def command(self, base, out):
        return [base.program, *map(str, self.arguments(out)), "-q"]

    def environment(self, out):
        return dict(os.environ, XDG_CACHE_HOME=str(out / "cache"))


def works(base):
    """The seven commands, separation in its forms."""
    cpu, models, mixture = ["--device", "cpu"], base.models(), base["mixture.wav"]
    stems = {"stems/low.wav", "stems/high.wav"}
    separate = lambda more: lambda out: ["separate", mixture, "--out", out / "stems", "--force", *cpu, *more]
    return [
        Work(
            "train",
            lambda out: ["train", base["low.wav"], "--out", out / "new/m.safetensors", "--log", out / "log.jsonl", "--force", "--json", *cpu, *SMALL],
            {"new/m.safetensors", "log.jsonl"},
        ),
        Work(
            "adapt",
            lambda out: ["adapt", base["low.safetensors"], base["low.wav"], "--where", "0-1.5", "--out", out / "new/m.safetensors", "--log", out / "log.jsonl", "--force", "--json", *cpu],
            {"new/m.safetensors", "log.jsonl"},
        ),
        Work(
            "join",
            lambda out: ["join", *models, "--out", out / "new/j.safetensors", "--log", out / "log.jsonl", "--force", *cpu, *JOINT],
            {"new/j.safetensors", "log.jsonl"},
        ),
        Work(
            "merge",
            lambda out: ["merge", base["low.safetensors"], base["high.safetensors"], "--out", out / "new/m.safetensors", "--force", "--json", *cpu],
            {"new/m.safetensors"},
        ),
        Work("separate", separate(models), stems),
        Work("separate --joint --bits 16", separate(["--joint", base["both.safetensors"], "--bits", "16"]), stems),
        Work("separate --join", separate([*models, "--join", *JOINT]), stems | {"cache"}),
        Work(
            "evaluate",
            lambda out: ["evaluate", "--reference", base["low true.wav"], base["high true.wav"], "--estimate", base["high true.wav"], base["low true.wav"], "--mixture", mixture, "--permute", "--json"],
            set(),
        ),
        Work(
            "sweep run",
            lambda out: ["sweep", "run", out / "run", *cpu],
            {"run"},
            prepare=lambda out: (out / "run").exists() or shutil.copytree(base["run"], out / "run"),
            follow=lambda out: base.nae("sweep", "collect", out / "run", cpu=False),
        ),
    ]


def is_unfinished(path):
    """Whether a path below the trial's folder is one of a run that has not ended."""
    parts = path.parts
    return any(part.startswith(".nae-") for part in parts) or (len(parts) > 1 and parts[-2] == "claims") or "workers" in parts[:-1]


def tree(folder):
    """All files and empty folders below a folder: what they hold, None for a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file():
            found[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.is_dir() and not any(path.iterdir()):
            found[relative] = None
    return found


def check_whole(path, frames=None):
    """A file under its final name is whole: it has the length that its header promises, and every line parses."""
    data = path.read_bytes()
    try:
        if path.suffix == ".safetensors":
            size = struct.unpack("<Q", data[:8])[0]
            tensors = json.loads(data[8 : 8 + size])
            end = max(tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__")
            complete = len(data) == 8 + size + end
        elif path.suffix == ".wav":
            complete = struct.unpack("<I", data[4:8])[0] + 8 == len(data)
            at = data.index(b"data")
            length = struct.unpack("<I", data[at + 4 : at + 8])[0]
            width = struct.unpack("<H", data[data.index(b"fmt ") + 20 :][:2])[0]
            complete = complete and at + 8 + length <= len(data) and frames in (None, length // width)
        elif path.suffix == ".json":
            complete = json.loads(data) is not None
        elif path.suffix == ".jsonl":
            complete = data.endswith(b"\n") and all(json.loads(line) for line in data.splitlines())
        elif path.suffix == ".csv":
            lines = data.decode().splitlines()
            complete = data.endswith(b"\n") and len({line.count(",") for line in lines if '"' not in line}) <= 1
        elif path.suffix == ".parquet":
            complete = data[:4] == data[-4:] == b"PAR1"
        else:
            complete = path.suffix == ".toml"
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise Fault(f"{path} is damaged: {error!r}") from error
    if not complete:
        raise Fault(f"{path} is not whole: {len(data)} bytes")


class Trial:
    """The folder of one trial."""

    def __init__(self, base, work, folder, again):
        self.base, self.work, self.folder, self.out = base, work, folder, folder / "out"
        shutil.rmtree(folder, ignore_errors=True)
        self.out.mkdir(parents=True)
        work.prepare(self.out)
        with wave.open(str(base["mixture.wav"])) as mixture:
            self.frames = mixture.getnframes()
        if again:
            # the command has been here before: its outputs are what an interrupted run must not damage
            self.undisturbed()
        self.before = tree(self.out)

    def command(self):
        return self.work.command(self.base, self.out)

    def undisturbed(self):
        """The next run, which nobody disturbs: it must succeed."""
        done = subprocess.run(self.command(), capture_output=True, text=True, timeout=300, env=self.work.environment(self.out))
        if done.returncode:
            raise Fault(f"the next run failed with status {done.returncode}: {done.stderr}")
        self.work.follow(self.out)

    def check_files(self):
        """Nothing finished is lost, and nothing is half-written under a final name. Gives what is unfinished."""
        now = tree(self.out)
        for path, content in self.before.items():
            if content is not None and path not in now and not is_unfinished(path):
                raise Fault(f"{path}, which was finished, is lost")
        unfinished = []
        for path, content in now.items():
            if is_unfinished(path):
                unfinished.append(path)
            elif content is not None and content != self.before.get(path):
                in_stems = path.parts[0] == "stems"
                check_whole(self.out / path, self.frames if in_stems else None)
                if path.suffix == ".safetensors" and path.parts[0] in ("new", "cache"):
                    self.check_readable(self.out / path)
        return unfinished

    def check_readable(self, path):
        """nae reads a model or joint file: it is good for a separation."""
        # not on the disk of the trial, which may be full
        reading = self.base["reading"]
        is_model = self.work.name in ("train", "merge", "adapt")
        models = ["--model", f"made={path}", "--model", self.base["high.safetensors"]] if is_model else ["--joint", path]
        try:
            self.base.nae("separate", self.base["mixture.wav"], *models, "--out", reading, "--set", "separate.max_steps=3")
        finally:
            shutil.rmtree(reading, ignore_errors=True)

    def check_nothing_left(self):
        """Files are those of before and whole new ones, and no folder is empty that was not."""
        left = [str(path) for path in self.check_files()]
        now = tree(self.out)
        left += [f"{path}/" for path, content in now.items() if content is None and path not in self.before]
        if left:
            raise Fault(f"left behind: {', '.join(left)}")

    def check_next_run(self, expected):
        """The next run succeeds, takes away what was left, and ends with the files of an undisturbed one."""
        self.undisturbed()
        if self.check_files():
            raise Fault(f"left behind after the next run: {self.check_files()}")
        found = set(map(str, tree(self.out)))
        if found != expected:
            raise Fault(f"files differ from those of an undisturbed run: {sorted(found ^ expected)}")


def expected_files(base, work, folder):
    """Names of what an undisturbed run ends with."""
    trial = Trial(base, work, folder, again=False)
    trial.undisturbed()
    trial.check_files()
    return set(map(str, tree(trial.out)))
