#!/usr/bin/env python3
"""The joint encoder against the best NMF and optimised activations: paired differences, temporal models, times, hard mixtures.

usage: scripts/bench/joint.py SPEAKERS [--out DIR] [--tables pairs,bodies,hard,long] [--pairs A+B,...] [--seeds 0,1,2] [--mixtures 3] [--jobs N]

SPEAKERS holds a folder per voice with train/ and test/ (scripts/data/fetch makes it); every woman's voice (name ending in _f)
is paired with every man's (_m). Voices and mixtures are those of systems.py: 25 s of training, 5 s mixtures at 0 dB. Work
that is already in DIR is not done again. Needs cargo and Python's standard library; prints Markdown tables.
"""
import argparse, concurrent.futures, itertools, json, os, random, statistics, subprocess, sys, time

import systems
from systems import TRAIN_S
from work import RATE, ROOT, Work, read, settings, write

MODELS = {"nmf": systems.SYSTEMS["NMF 100, best"], "nae": systems.SYSTEMS["4 layers 100, best"]}
# what is joined (from the 4-layer models), and how
JOINTS = {"joint, memories": dict(set=()), "joint, clips": dict(set=(), clips=True),
          # equal terms: only the convolutions have a start that is not random
          **{f"joint, body {body}": dict(set=(f"joint.body={body}", 'joint.start="random"', "joint.steps=600"))
             for body in ("none", "conv", "gru", "lstm")}}
FIELDS = ("si_sdr", "sdr", "sir", "sar", "stoi")
PRINTER = "printer"


def write_long(file, folders, minutes):
    """A mixture of two voices' sentences, over and over."""
    first, second = (read(folder) for folder in folders)
    write(file, [(first[n % len(first)] + second[n % len(second)]) // 2 for n in range(60 * minutes * RATE)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers")
    parser.add_argument("--out", default="nae-joint")
    parser.add_argument("--tables", default="pairs,bodies,hard,long")
    parser.add_argument("--pairs", help="default: every woman with every man")
    parser.add_argument("--systems", default="nmf,nae,joint/ memories,joint/ clips", help="of the first table, / for the comma")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--mixtures", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--nae", help="a binary to use instead of building one")
    options = parser.parse_args()
    options.out, options.speakers = os.path.abspath(options.out), os.path.abspath(options.speakers)
    work = Work(options.out, options.jobs, options.nae)
    path, once = work.path, work.once
    voices = sorted(os.listdir(options.speakers))
    pairs = [tuple(pair.split("+")) for pair in options.pairs.split(",")] if options.pairs else list(itertools.product(
        [voice for voice in voices if voice.endswith("_f")], [voice for voice in voices if voice.endswith("_m")]))
    seeds = [int(seed) for seed in options.seeds.split(",")]

    def run(*arguments):
        started = time.perf_counter()
        done = subprocess.run([work.program, *arguments, "-q"], capture_output=True, text=True, cwd=ROOT, env=work.environment)
        if done.returncode:
            sys.exit(f"nae {' '.join(arguments)}: {done.stderr}")
        return time.perf_counter() - started, done.stdout

    def training(voice):
        file = path("train", voice + ".wav")
        if not os.path.exists(file):
            if voice == PRINTER:
                with open(os.path.join(ROOT, "data/noise/printer3d_train.wav"), "rb") as source, open(file, "wb") as copy:
                    copy.write(source.read())
            else:
                write(file, read(os.path.join(options.speakers, voice, "train"))[:TRAIN_S * RATE])
        return file

    def test(voice):
        if voice != PRINTER:
            return read(os.path.join(options.speakers, voice, "test"))
        folder = path("printer", "test", "x.wav")
        if not os.path.exists(folder):
            with open(os.path.join(ROOT, "data/noise/printer3d_test.wav"), "rb") as source, open(folder, "wb") as copy:
                copy.write(source.read())
        return read(os.path.dirname(folder))

    def scene(sources, index, level_db=0):
        """Folder of a mixture whose second source is `level_db` louder."""
        folder = path("mixtures", f"{'+'.join(sources)}@{level_db}", str(index), "mixture.wav")
        if not os.path.exists(folder):
            gains = [1, 10 ** (level_db / 20), 1]
            parts = [[round(gain * x) for x in systems.cut(test(source), index, options.mixtures)]
                     for gain, source in zip(gains, sources)]
            mixed = [sum(values) for values in zip(*parts)]
            # all of it softer alike where anything would not fit into 16 bits
            fit = min(1, 32767 / max(abs(x) for values in (mixed, *parts) for x in values))
            for source, part in zip(sources, parts):
                write(os.path.join(os.path.dirname(folder), source + ".wav"), [int(fit * x) for x in part[:len(mixed)]])
            write(folder, [int(fit * x) for x in mixed])
        return os.path.dirname(folder)

    def model(kind, voice, seed):
        file = path("models", kind, str(seed), voice + ".safetensors")
        once(file + ".json", lambda: run("train", training(voice), "--out", file, "--name", voice, "--force", "--seed", str(seed),
                                         *settings(MODELS[kind]["train"]))[0])
        return file

    def joint(name, sources, seed):
        file = path(name, str(seed), "+".join(sources) + ".joint.safetensors")
        models = [word for voice in sources for word in ("--model", model("nae", voice, seed))]
        clips = [word for voice in sources for word in ("--clips", f"{voice}={training(voice)}")] if JOINTS[name].get("clips") else []
        seconds = once(file + ".json", lambda: run("join", *models, *clips, "--out", file, "--force", "--seed", str(seed),
                                                   *settings(JOINTS[name]["set"]))[0])
        return file, seconds

    def result(name, sources, index, seed, level_db=0):
        """Scores of one mixture, with the seconds of joining and separating."""
        folder = scene(sources, index, level_db)
        out = path(name, str(seed), f"{'+'.join(sources)}@{level_db}", str(index))

        def separated():
            join_s = None
            if name in MODELS:
                using = [word for voice in sources for word in ("--model", model(name, voice, seed))]
            else:
                file, join_s = joint(name, sources, seed)
                using = ["--joint", file]
            seconds, _ = run("separate", os.path.join(folder, "mixture.wav"), *using, "--out", out, "--force", "--seed", str(seed))
            references = [os.path.join(folder, voice + ".wav") for voice in sources]
            stems = [os.path.join(out, voice + ".wav") for voice in sources]
            _, scores = run("evaluate", "--reference", *references, "--estimate", *stems, "--mixture",
                            os.path.join(folder, "mixture.wav"), "--json")
            return dict(seconds=seconds, join_s=join_s, **json.loads(scores))

        return once(out + ".json", separated)

    def all_of(cells):
        """Results in the order of the cells, computed side by side."""
        # models and joint files first, each by one thread
        first = {(name, cell[0], cell[2]) for name, *cell in cells}
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            kinds = {(name if name in MODELS else "nae", voice, seed) for name, sources, seed in first for voice in sources}
            list(pool.map(lambda cell: model(*cell), sorted(kinds)))
            list(pool.map(lambda cell: joint(*cell), sorted(cell for cell in first if cell[0] not in MODELS)))
            results = []
            for count, done in enumerate(pool.map(lambda cell: result(*cell), cells), 1):
                print(f"\r{count}/{len(cells)} ", end="", file=sys.stderr, flush=True)
                results.append(done)
        print(file=sys.stderr)
        return results

    def mean(one, field):
        values = [source[field] - (source["si_sdr_mixture"] if field == "si_sdr" else 0) for source in one["sources"]]
        return statistics.mean(values)

    def interval(differences):
        """Median and its 95 % interval, by resampling pairs: mixtures and seeds of one pair belong together."""
        draw = random.Random(0)
        keys = sorted(differences)
        medians = sorted(statistics.median(x for key in draw.choices(keys, k=len(keys)) for x in differences[key]) for _ in range(2000))
        centre = statistics.median(x for values in differences.values() for x in values)
        return f"{centre:+.2f} [{medians[50]:+.2f}, {medians[1949]:+.2f}]"

    def compare(names, title):
        cells = [(name, pair, index, seed) for name in names for seed in seeds for pair in pairs for index in range(options.mixtures)]
        found = dict(zip(cells, all_of(cells)))
        print(f"\n{title}: {len(pairs)} pairs, {options.mixtures} mixtures each, seeds {options.seeds}; means over both sources\n")
        print("| system | SI-SDR gain, median / mean | minus NMF: SI-SDR | SDR | SIR | SAR | STOI | worst pair | minus optimised NAE: SI-SDR | join, s | separate 5 s, s |")
        print("|---|---|---|---|---|---|---|---|---|---|---|")
        for name in names:
            mine = [cell for cell in cells if cell[0] == name]
            gains = [mean(found[cell], "si_sdr") for cell in mine]

            def against(base, field):
                if base not in names or base == name:
                    return "–", None
                differences = {pair: [mean(found[name, pair, *rest], field) - mean(found[base, pair, *rest], field)
                                      for rest in itertools.product(range(options.mixtures), seeds)] for pair in pairs}
                return interval(differences), min(statistics.mean(values) for values in differences.values())

            over = [against("nmf", field) for field in FIELDS]
            worst = "–" if over[0][1] is None else f"{over[0][1]:+.2f}"
            join_s = [found[cell]["join_s"] for cell in mine if found[cell]["join_s"]]
            print(f"| {name} | {statistics.median(gains):.2f} / {statistics.mean(gains):.2f} | {' | '.join(text for text, _ in over)} | {worst} "
                  f"| {against('nae', 'si_sdr')[0]} | {f'{statistics.median(join_s):.1f}' if join_s else '–'} "
                  f"| {statistics.median(found[cell]['seconds'] for cell in mine):.2f} |")

    def hard():
        women = sorted({pair[0] for pair in pairs})
        kinds = {
            "second voice 10 dB louder": [(pair, 10) for pair in pairs],
            "three voices": [((*pair, next(w for w in women if w != pair[0])), 0) for pair in pairs] if len(women) > 1 else [],
            "voice and printer": [((voice, PRINTER), 0) for voice in sorted({v for pair in pairs for v in pair})],
        }
        print(f"\nHard mixtures, {options.mixtures} each, seed {seeds[0]}: gain in SI-SDR over the mixture, dB, median / mean over mixtures\n")
        names = ("nmf", "nae", "joint, memories")
        print(f"| mixtures | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
        for title, scenes in kinds.items():
            cells = [(name, sources, index, seeds[0], level) for name in names for sources, level in scenes for index in range(options.mixtures)]
            found = all_of(cells)
            row = []
            for name in names:
                gains = [mean(one, "si_sdr") for cell, one in zip(cells, found) if cell[0] == name]
                row.append(f"{statistics.median(gains):.2f} / {statistics.mean(gains):.2f}" if gains else "–")
            print(f"| {title} | {' | '.join(row)} |")

    def long():
        """Seconds and memory of a joint separation of 1 and of 10 minutes, all cores, nothing beside it."""
        pair = pairs[0]
        file, _ = joint("joint, memories", pair, seeds[0])
        print("\n| mixture | separate --joint, s | times real time | largest memory, MiB |\n|---|---|---|---|")
        for minutes in (1, 10):
            mixture = path("long", f"{minutes}.wav")
            if not os.path.exists(mixture):
                # in a process of its own: a child's greatest memory counts what its parent held when it began
                folders = [os.path.join(options.speakers, voice, "test") for voice in pair]
                subprocess.run([sys.executable, "-c", f"import joint; joint.write_long({mixture!r}, {folders!r}, {minutes})"],
                               cwd=os.path.dirname(os.path.abspath(__file__)), check=True)
            started = time.perf_counter()
            child = subprocess.Popen([program, "separate", mixture, "--joint", file, "--out", path("long", str(minutes)), "--force", "-q"])
            _, status, used = os.wait4(child.pid, 0)
            seconds, memory = time.perf_counter() - started, used.ru_maxrss / 1024
            if status:
                sys.exit(f"nae separate {mixture} failed")
            print(f"| {minutes} min | {seconds:.2f} | {60 * minutes / seconds:.0f} | {memory:.0f} |")

    tables = options.tables.split(",")
    if "pairs" in tables:
        compare([name.replace("/", ",") for name in options.systems.split(",")], "Mixed-sex pairs")
    if "bodies" in tables:
        compare(["nmf", *(name for name in JOINTS if "body" in name)], "Bodies")
    if "hard" in tables:
        hard()
    if "long" in tables:
        long()


if __name__ == "__main__":
    main()
