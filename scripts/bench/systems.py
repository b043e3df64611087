#!/usr/bin/env python3
"""All systems on the same mixtures: NMF, shallow and 4-layer NAE, each as published and in its best form, and the average of three
kinds that `nae train` makes by default, with lower and upper bounds.

usage: scripts/bench/systems.py SPEAKERS [--out DIR] [--pairs A+B,...] [--systems NAME,...] [--seeds 0,1] [--mixtures 3] [--jobs N]

SPEAKERS holds a folder per voice with train/ and test/ (scripts/data/fetch makes it). Every voice is trained on its first
25 s; mixtures are 5 s long, at 0 dB, cut from the test sentences. Work that is already in DIR is not done again. Jobs run
in parallel, each on its share of the cores, so times are comparable between systems, but not with those of a run alone on the
machine. Needs cargo and Python's standard library; prints a Markdown table.
"""
import argparse, concurrent.futures, itertools, json, math, os, statistics, subprocess, sys, time

from work import RATE, ROOT, read, write

PAIRS = ("allison_en_f+librivox_en_m,june_fr_f+tuxpaint_bg_m,fillets_cs_f+fillets_cs_m,ivrvoice_ru_f+fillets_cs_m,"
         "allison_en_f+fillets_cs_m,june_fr_f+librivox_en_m")
TRAIN_S, MIXTURE_S = 25, 5
SCORES = ("sdr", "sir", "sar", "si_sdr", "stoi")


def nmf(rank, *more):
    return dict(train=("model.kind=nmf", f"model.rank={rank}", *more), separate=())


def nae(layers, rank):
    return dict(train=(f"model.layers={layers}", f"model.rank={rank}", "train.ensemble=[]"), separate=())


def paper(layers, rank):
    """The authors' script: magnitudes, softplus, full-batch RProp, free activations from a random start."""
    train = [f"model.layers={layers}", f"model.rank={rank}"]
    separate = []
    if layers == 2:
        train.append("train.max_steps=2000")
        separate = ["separate.optimizer=rprop", "separate.learning_rate=1e-4", "separate.max_steps=2000",
                    "separate.rprop.increase=1.01", "separate.rprop.decrease=0.99", "separate.rprop.min_step=0",
                    "separate.rprop.max_step=100"]
    return dict(config="configs/paper.toml", train=tuple(train), separate=tuple(separate))


def plain(rank):
    """What a textbook does: magnitudes, plain updates, plain ratio masks."""
    return nmf(rank, "model.compression=1") | dict(separate=("separate.mask_exponent=1",))


SYSTEMS = {
    "NMF 20, plain": plain(20),
    "NMF 100, plain": plain(100),
    "NMF 100, best": nmf(100, "model.basis_norm=l2"),
    "shallow 20, paper": paper(2, 20),
    "shallow 20, best": nae(2, 20),
    "shallow 100, paper": paper(2, 100),
    "shallow 100, best": nae(2, 100),
    "4 layers 20, paper": paper(4, 20),
    "4 layers 20, best": nae(4, 20),
    "4 layers 100, paper": paper(4, 100),
    "4 layers 100, best": nae(4, 100),
    "default": dict(train=(), separate=()),
}
# the paper's models, read from the mixture the way the best forms are
SYSTEMS |= {f"{name}, our search": dict(models=name, train=(), separate=("separate.mask_exponent=1",))
            for name in SYSTEMS if name.endswith("paper")}
DEFAULT = ",".join(name.replace(", ", "/") for name in SYSTEMS)

# many more and smaller steps: what the defaults are measured against
LONG = ("train.max_steps=6000", "train.refine.passes=1200", "train.refine.batches=1", "train.refine.activation_rate=0.2", "train.refine.decoder_rate=0.005")
for layers, rank in ((2, 20), (2, 100), (4, 100)):
    name = "shallow" if layers == 2 else f"{layers} layers"
    long = nae(layers, rank)
    SYSTEMS[f"{name} {rank}, long"] = dict(train=long["train"] + LONG, separate=("separate.max_steps=200",))


def cut(samples, index, count):
    """Mixture number `index` of `count`: 5 s from places spread over all sentences, at a level of 0.08."""
    length = min(MIXTURE_S * RATE, len(samples))
    start = (len(samples) - length) * index // max(count - 1, 1)
    part = samples[start:start + length]
    scale = 0.08 * 32768 / math.sqrt(sum(x * x for x in part) / len(part))
    return [max(-32768, min(32767, round(scale * x))) for x in part]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers")
    parser.add_argument("--out", default="nae-systems")
    parser.add_argument("--pairs", default=PAIRS)
    parser.add_argument("--systems", default=DEFAULT, help="names with / for the comma")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=SYSTEM:KEY=VALUE,...",
                        help="one more: a system's settings with some changed, separate.* for separation")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--mixtures", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--nae", help="a binary to use instead of building one")
    options = parser.parse_args()
    program = options.nae
    if not program:
        subprocess.run(["cargo", "build", "--release", "-q"], cwd=ROOT, check=True)
        program = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release/nae")
    pairs = [tuple(pair.split("+")) for pair in options.pairs.split(",")]
    names = [name.replace("/", ", ") for name in options.systems.split(",") if name]
    for text in options.also:
        head, settings = text.split(":")
        name, base = head.split("=")
        base, changes = SYSTEMS[base.replace("/", ", ")], tuple(settings.split(","))
        SYSTEMS[name] = base | dict(train=base["train"] + tuple(c for c in changes if not c.startswith("separate.")),
                                    separate=base["separate"] + tuple(c for c in changes if c.startswith("separate.")))
        names.append(name)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    environment = dict(os.environ, RAYON_NUM_THREADS=str(max(1, os.cpu_count() // options.jobs)))

    def path(*parts):
        result = os.path.join(options.out, *parts)
        os.makedirs(os.path.dirname(result), exist_ok=True)
        return result

    def run(arguments):
        started = time.perf_counter()
        done = subprocess.run([program, *arguments, "-q"], capture_output=True, text=True, cwd=ROOT, env=environment)
        if done.returncode:
            sys.exit(f"nae {' '.join(arguments)}: {done.stderr}")
        return time.perf_counter() - started, done.stdout

    def keep(file, result):
        with open(file + ".part", "w") as out:
            json.dump(result, out)
        os.replace(file + ".part", file)

    def settings(system, stage):
        config = ["--config", os.path.join(ROOT, system["config"])] if "config" in system else []
        return config + [word for setting in system[stage] for word in ("--set", setting)]

    voices = sorted({voice for pair in pairs for voice in pair})
    for voice in voices:
        if not os.path.exists(path("train", voice + ".wav")):
            write(path("train", voice + ".wav"), read(os.path.join(options.speakers, voice, "train"))[:TRAIN_S * RATE])
    for pair, index in itertools.product(pairs, range(options.mixtures)):
        folder = f"mixtures/{'+'.join(pair)}/{index}"
        if os.path.exists(path(folder, "mixture.wav")):
            continue
        parts = [cut(read(os.path.join(options.speakers, voice, "test")), index, options.mixtures) for voice in pair]
        for voice, part in zip(pair, parts):
            write(path(folder, voice + ".wav"), part)
        write(path(folder, "mixture.wav"), [sum(values) for values in zip(*parts)])

    def model_of(name, seed, voice):
        return path(SYSTEMS[name].get("models", name), str(seed), voice + ".safetensors")

    def train(job):
        name, voice, seed = job
        name = SYSTEMS[name].get("models", name)
        model = model_of(name, seed, voice)
        if not os.path.exists(model + ".json"):
            seconds, _ = run(["train", path("train", voice + ".wav"), "--out", model, "--name", voice, "--force",
                              "--seed", str(seed), *settings(SYSTEMS[name], "train")])
            keep(model + ".json", seconds)

    def separate(job):
        name, seed, pair, index = job
        folder, mixture = path(name, str(seed), "+".join(pair), str(index)), path("mixtures", "+".join(pair), str(index), "mixture.wav")
        if os.path.exists(folder + ".json"):
            return
        models = [word for voice in pair for word in ("--model", model_of(name, seed, voice))]
        seconds, _ = run(["separate", mixture, *models, "--out", folder, "--force", "--seed", str(seed),
                          *settings(SYSTEMS[name], "separate")])
        references = [os.path.join(os.path.dirname(mixture), voice + ".wav") for voice in pair]
        stems = [os.path.join(folder, voice + ".wav") for voice in pair]
        _, scores = run(["evaluate", "--reference", *references, "--estimate", *stems, "--mixture", mixture, "--json"])
        keep(folder + ".json", dict(seconds=seconds, **json.loads(scores)))

    def all_of(work, jobs):
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for count, _ in enumerate(pool.map(work, jobs), 1):
                print(f"\r{work.__name__} {count}/{len(jobs)} ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    cells = list(itertools.product(seeds, pairs, range(options.mixtures)))
    for name in names:
        print(name, file=sys.stderr)
        all_of(train, [(name, voice, seed) for voice in voices for seed in seeds])
        all_of(separate, [(name, *cell) for cell in cells])

    def load(file):
        with open(file) as text:
            return json.load(text)

    def middle(values, digits):
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return f"{median:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"

    def cell(values, score):
        # above 100 dB a score is rounding: a sum of the references has no artefacts at all
        return "–" if statistics.median(values) > 100 else middle(values, 2 if score == "stoi" else 1)

    def row(name, rows, key, train_s="–", separate_s="–"):
        cells = [cell([r[key.format(score)] for r in rows], score) for score in SCORES]
        gains = [r[key.format("si_sdr")] - r["si_sdr_mixture"] for r in rows]
        print(f"| {name} | {' | '.join(cells)} | {statistics.median(gains):.1f} / {statistics.mean(gains):.1f} | {train_s} | {separate_s} |")

    print(f"{len(pairs)} pairs, {options.mixtures} mixtures each, seeds {options.seeds}: medians [quartiles] over sources; "
          f"seconds on {environment['RAYON_NUM_THREADS']} of {os.cpu_count()} cores, {options.jobs} jobs at a time\n")
    print("| system | SDR | SIR | SAR (BSS_eval v3, 512 taps) | SI-SDR (1 tap) | STOI | SI-SDR gain, median / mean | train, s | separate 5 s, s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for position, name in enumerate(names):
        results = [load(path(name, str(seed), "+".join(pair), f"{index}.json")) for seed, pair, index in cells]
        rows = [source for result in results for source in result["sources"]]
        if position == 0:
            row("mixture (floor)", rows, "{}_mixture")
        trained = [load(model_of(name, seed, voice) + ".json") for seed in seeds for voice in voices]
        row(name, rows, "{}", f"{statistics.median(trained):.1f}", f"{statistics.median(r['seconds'] for r in results):.2f}")
    row("ideal ratio mask (ceiling)", rows, "oracle_{}")


if __name__ == "__main__":
    main()
