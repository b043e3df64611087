"""What the scripts that compare systems share: sounds, commands of nae whose results are kept, and intervals of means."""
import array, concurrent.futures, json, math, os, random, statistics, subprocess, sys, tempfile, threading, wave

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RATE = 16000
LEVEL = 0.08  # root mean square of every source, over full scale, before sources are mixed at other levels
PEAK = 32767


def read(place):
    """Samples of a WAV file, or of all files of a folder one after the other."""
    files = sorted(os.path.join(place, name) for name in os.listdir(place)) if os.path.isdir(place) else [place]
    samples = array.array("h")
    for name in files:
        with wave.open(name) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
                sys.exit(f"{name}: expected {RATE} Hz, mono, 16 bits")
            samples.frombytes(file.readframes(file.getnframes()))
    return samples


def sound(folder, part):
    """Samples of the folder's `part`, which is a folder of files (voices) or one file (instruments, noises)."""
    place = os.path.join(folder, part)
    return read(place if os.path.isdir(place) else place + ".wav")


def write(path, samples):
    # two jobs may write the same sound at the same time
    part = f"{path}.{threading.get_ident()}.part"
    with wave.open(part, "wb") as file:
        file.setparams((1, 2, RATE, len(samples), "NONE", ""))
        file.writeframes(array.array("h", samples).tobytes())
    os.replace(part, path)


def cut(samples, index, count, length):
    """Cut number `index` of `count`: `length` samples from places spread over all of them."""
    start = (len(samples) - length) * index // max(count - 1, 1)
    return samples[start:start + length]


def mix(parts, levels_db=None):
    """Sources at equal levels, each changed by its own dB, and their sum; quieter where they would be too loud for 16 bits."""
    levels_db = levels_db or [0.0] * len(parts)
    scales = [LEVEL * 32768 * 10 ** (db / 20) / math.sqrt(sum(x * x for x in part) / len(part)) for part, db in zip(parts, levels_db)]
    sources = [[scale * x for x in part] for scale, part in zip(scales, parts)]
    loudest = max(max(max(map(abs, part)) for part in sources), max(abs(sum(values)) for values in zip(*sources)))
    quieter = min(1.0, (PEAK - len(parts)) / loudest)
    sources = [[round(quieter * x) for x in part] for part in sources]
    return sources, [sum(values) for values in zip(*sources)]


def interval(by_group, turns=2000):
    """95 % of the means of as many groups drawn with replacement."""
    rng = random.Random(1)
    means = sorted(statistics.mean(rng.choices(by_group, k=len(by_group))) for _ in range(turns))
    return means[round(0.025 * turns)], means[round(0.975 * turns) - 1]


def settings(words):
    """Arguments of nae that change settings."""
    return [word for value in words for word in ("--set", value)]


class Work:
    """Commands of nae and a folder that keeps their results; what is there is not done again."""

    def __init__(self, out, jobs, program=None):
        self.out, self.jobs = out, jobs
        self.threads = max(1, os.cpu_count() // jobs)
        self.environment = dict(os.environ, RAYON_NUM_THREADS=str(self.threads))
        if not program:
            subprocess.run(["cargo", "build", "--release", "-q"], cwd=ROOT, check=True)
            program = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release/nae")
        self.program = program

    def path(self, *parts):
        result = os.path.abspath(os.path.join(self.out, *parts))
        os.makedirs(os.path.dirname(result), exist_ok=True)
        return result

    def run(self, *arguments):
        """Seconds of CPU time, which other work on the machine hardly changes, and standard output of a command of nae."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            child = subprocess.Popen([self.program, *arguments, "-q"], stdout=out, stderr=errors, cwd=ROOT, env=self.environment)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0), errors.seek(0)
            if child.returncode:
                sys.exit(f"nae {' '.join(arguments)}: {errors.read()}")
            return used.ru_utime + used.ru_stime, out.read()

    def once(self, file, work):
        """The work's result, kept in `file` as JSON."""
        if not os.path.exists(file):
            result = work()
            with open(file + ".part", "w") as out:
                json.dump(result, out)
            os.replace(file + ".part", file)
        with open(file) as text:
            return json.load(text)

    def all_of(self, work, jobs):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for count, _ in enumerate(pool.map(lambda job: work(*job), jobs), 1):
                print(f"\r{count}/{len(jobs)} ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    def train(self, sound, file, name, seed, words):
        """What `nae train` said of the model in `file`, and its seconds of CPU time."""
        def train():
            seconds, said = self.run("train", sound, "--out", file, "--name", name, "--force", "--json", "--no-memory",
                                     "--seed", str(seed), *settings(words))
            return dict(json.loads(said), cpu_s=seconds)
        return self.once(file + ".json", train)

    def evaluate(self, references, estimates, mixture):
        """Scores of every source."""
        _, scores = self.run("evaluate", "--reference", *references, "--estimate", *estimates, "--mixture", mixture, "--json")
        return json.loads(scores)
