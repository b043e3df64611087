#!/usr/bin/env python3
"""Single models and averages of several kinds on the same mixtures, with paired differences from the first.

usage: scripts/bench/averages.py SPEAKERS [--out DIR] [--systems NAME,...] [--also NAME=MEMBER+MEMBER:KEY=VALUE;...] [--seeds 0,1,2]
                                 [--pairs A+B,...] [--mixtures 3] [--jobs N] [--nae PROGRAM]

SPEAKERS holds a folder per voice with train/ and test/ (scripts/data/fetch makes it); every woman's voice (name ending in _f)
is paired with every man's (_m). Voices and mixtures are those of systems.py: 25 s of training, 5 s mixtures at 0 dB. A system
is one or more members, models of one voice whose masks are averaged, and settings of separation. Work that is already in DIR
is not done again. The interval is that of the mean over pairs (bootstrap, 95 %): mixtures of a pair are not independent.
Dead units are the medians over the voices. Needs cargo and Python's standard library; prints a Markdown table.
"""
import argparse, concurrent.futures, itertools, json, os, random, statistics, subprocess, sys, time

import systems
from systems import RATE, ROOT, TRAIN_S

SINGLE = "train.ensemble=[]"
MEMBERS = {
    "default": ('train.ensemble=["auto"]',),
    "dense": (),
    "matched": ("train.initial_weights=matched",),
    "one rate": ("train.encoder_factor=1",),
    "shallow": ("model.layers=2",),
    "shallow matched": ("model.layers=2", "train.initial_weights=matched"),
    "nmf": ("model.kind=nmf",),
    "nmf l2": ("model.kind=nmf", "model.basis_norm=l2"),
    "conv": ("model.layers=2", "model.rank=50", "model.span=4", "model.hidden=softplus"),
    "conv relu": ("model.layers=2", "model.rank=50", "model.span=4"),
    "conv 1": ("model.layers=2", "model.rank=50", "model.hidden=softplus"),
    "deep conv": ("model.span=4",),
    "nmfd": ("model.kind=nmf", "model.span=4"),
    "nmfd l2": ("model.kind=nmf", "model.span=4", "model.basis_norm=l2"),
    "rnn": ("model.cell=rnn",),
    "gru": ("model.cell=gru",),
    "lstm": ("model.cell=lstm",),
}
E2, E25, E3 = (f"separate.mask_exponent={e}" for e in (2, 2.5, 3))
SYSTEMS = {name: ((name,), (E2,)) for name in MEMBERS}
# what `nae train` and `nae separate` do, and did before ensembles
SYSTEMS |= {"default": (("default",), ()),
            "before": (("one rate",), (E2, "separate.max_steps=60", "separate.solver=gradient"))}
SYSTEMS |= {f"{name}, exponent {e}": (SYSTEMS[name][0], (setting,))
            for name in ("dense", "nmf", "shallow") for e, setting in ((2.5, E25), (3, E3))}
for names in (("dense", "nmf"), ("dense", "shallow", "nmf"), ("dense", "shallow", "nmf", "conv"), ("dense", "conv", "nmf"),
              ("dense", "conv", "nmfd"), ("dense", "shallow", "nmf", "conv", "rnn")):
    SYSTEMS |= {f"{' + '.join(names)}, exponent {e}": (names, (setting,)) for e, setting in ((2, E2), (2.5, E25), (3, E3))}
DEFAULT = ["before", "default", "dense", "dense, exponent 3", "nmf", "shallow", "dense + shallow + nmf, exponent 2", "dense + shallow + nmf, exponent 3"]


def interval(by_pair, turns=2000):
    """95 % of the means of as many pairs drawn with replacement."""
    rng = random.Random(1)
    means = sorted(statistics.mean(rng.choices(by_pair, k=len(by_pair))) for _ in range(turns))
    return means[round(0.025 * turns)], means[round(0.975 * turns) - 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers")
    parser.add_argument("--out", default="nae-averages")
    parser.add_argument("--systems", default="/".join(DEFAULT), help="separated by /; the first is what the others are compared with")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=MEMBER+MEMBER:KEY=VALUE;...",
                        help="one more system: members and settings of separation")
    parser.add_argument("--member", action="append", default=[], metavar="NAME:KEY=VALUE;...", help="one more member: settings of training")
    parser.add_argument("--pairs", help="default: every woman with every man")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--mixtures", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--nae", help="a binary to use instead of building one")
    parser.add_argument("--list", action="store_true", help="print the systems' names and end")
    options = parser.parse_args()
    if options.list:
        return print("\n".join(SYSTEMS))
    for text in options.member:
        name, settings = text.split(":", 1)
        MEMBERS[name] = tuple(settings.split(";"))
        SYSTEMS[name] = ((name,), (E2,))
    names = [name for name in options.systems.split("/") if name]
    for text in options.also:
        name, rest = text.split("=", 1)
        members, _, settings = rest.partition(":")
        SYSTEMS[name] = (tuple(members.split("+")), tuple(s for s in settings.split(";") if s))
        names.append(name)
    program = options.nae
    if not program:
        subprocess.run(["cargo", "build", "--release", "-q"], cwd=ROOT, check=True)
        program = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release/nae")
    voices = sorted(os.listdir(options.speakers))
    pairs = [tuple(pair.split("+")) for pair in options.pairs.split(",")] if options.pairs else list(itertools.product(
        [voice for voice in voices if voice.endswith("_f")], [voice for voice in voices if voice.endswith("_m")]))
    voices = sorted({voice for pair in pairs for voice in pair})
    seeds = [int(seed) for seed in options.seeds.split(",")]
    environment = dict(os.environ, RAYON_NUM_THREADS=str(max(1, os.cpu_count() // options.jobs)))
    known = subprocess.run([program, "settings"], capture_output=True, text=True).stdout
    single = (SINGLE,) if "\nensemble" in known else ()

    def path(*parts):
        result = os.path.join(options.out, *parts)
        os.makedirs(os.path.dirname(result), exist_ok=True)
        return result

    def run(*arguments):
        started = time.perf_counter()
        done = subprocess.run([program, *arguments, "-q"], capture_output=True, text=True, cwd=ROOT, env=environment)
        if done.returncode:
            sys.exit(f"nae {' '.join(arguments)}: {done.stderr}")
        return time.perf_counter() - started, done.stdout

    def once(file, work):
        if not os.path.exists(file):
            result = work()
            with open(file + ".part", "w") as out:
                json.dump(result, out)
            os.replace(file + ".part", file)
        with open(file) as text:
            return json.load(text)

    def setting(words):
        return [word for value in words for word in ("--set", value)]

    for voice in voices:
        if not os.path.exists(path("train", voice + ".wav")):
            systems.write(path("train", voice + ".wav"), systems.read(os.path.join(options.speakers, voice, "train"))[:TRAIN_S * RATE])
    for pair, index in itertools.product(pairs, range(options.mixtures)):
        folder = f"mixtures/{'+'.join(pair)}/{index}"
        if not os.path.exists(path(folder, "mixture.wav")):
            parts = [systems.cut(systems.read(os.path.join(options.speakers, voice, "test")), index, options.mixtures) for voice in pair]
            for voice, part in zip(pair, parts):
                systems.write(path(folder, voice + ".wav"), part)
            systems.write(path(folder, "mixture.wav"), [sum(values) for values in zip(*parts)])

    def model(member, voice, seed):
        """File of a member, with what its training said."""
        file = path("models", member, str(seed), voice + ".safetensors")

        def train():
            seconds, said = run("train", path("train", voice + ".wav"), "--out", file, "--name", voice, "--force", "--json",
                                "--no-memory", "--seed", str(seed), *setting((*single, *MEMBERS[member])))
            return dict(json.loads(said), wall_s=seconds)
        return file, once(file + ".json", train)

    def result(name, pair, index, seed):
        members, settings = SYSTEMS[name]
        folder = path("separated", name, str(seed), "+".join(pair), str(index))

        def separate():
            mixture = path("mixtures", "+".join(pair), str(index), "mixture.wav")
            models = [f"{voice}=" + ",".join(model(member, voice, seed)[0] for member in members) for voice in pair]
            seconds, _ = run("separate", mixture, *(word for text in models for word in ("--model", text)), "--out", folder,
                             "--force", "--seed", str(seed), *setting(settings))
            references = [os.path.join(os.path.dirname(mixture), voice + ".wav") for voice in pair]
            stems = [os.path.join(folder, voice + ".wav") for voice in pair]
            _, scores = run("evaluate", "--reference", *references, "--estimate", *stems, "--mixture", mixture, "--json")
            return dict(seconds=seconds, **json.loads(scores))
        return once(folder + ".json", separate)

    def all_of(work, jobs):
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for count, _ in enumerate(pool.map(lambda job: work(*job), jobs), 1):
                print(f"\r{count}/{len(jobs)} ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    cells = list(itertools.product(pairs, range(options.mixtures), seeds))
    for name in names:
        print(name, file=sys.stderr)
        all_of(model, [(member, voice, seed) for member in SYSTEMS[name][0] for voice in voices for seed in seeds])
        all_of(result, [(name, *cell) for cell in cells])

    def gains(name):
        """Of every cell, one for each source."""
        of_cell = {cell: result(name, *cell)["sources"] for cell in cells}
        return {cell: [source["si_sdr"] - source["si_sdr_mixture"] for source in sources] for cell, sources in of_cell.items()}

    print(f"{len(pairs)} pairs, {options.mixtures} mixtures each, seeds {options.seeds}: gain in SI-SDR, dB; seconds on "
          f"{environment['RAYON_NUM_THREADS']} of {os.cpu_count()} cores, {options.jobs} jobs at a time\n")
    print(f"| system | median / mean | against {names[0]}: mean [95 %] | mixtures better | dead units | train, s | separate 5 s, s |")
    print("|---|---|---|---|---|---|---|")
    first = gains(names[0])
    for name in names:
        own = gains(name)
        values = [gain for cell in cells for gain in own[cell]]
        difference = {cell: statistics.mean(own[cell]) - statistics.mean(first[cell]) for cell in cells}
        by_pair = [statistics.mean(difference[cell] for cell in cells if cell[0] == pair) for pair in pairs]
        low, high = interval(by_pair)
        better = sum(x > 0 for x in difference.values())
        compared = "–" if name == names[0] else f"{statistics.mean(by_pair):+.2f} [{low:+.2f}, {high:+.2f}]"
        said = [[model(member, voice, seed)[1] for member in SYSTEMS[name][0]] for voice in voices for seed in seeds]
        units = [(m["dead_units"], m["hidden_units"]) for all_members in said for m in all_members if m.get("hidden_units")]
        dead = "–" if not units else f"{100 * statistics.median(d / h for d, h in units):.0f} %"
        train = statistics.median(sum(m["wall_s"] for m in all_members) for all_members in said)
        separate = statistics.median(result(name, *cell)["seconds"] for cell in cells)
        print(f"| {name} | {statistics.median(values):.2f} / {statistics.mean(values):.2f} | {compared} | {better}/{len(cells)} | {dead} | {train:.1f} | {separate:.2f} |")


if __name__ == "__main__":
    main()
