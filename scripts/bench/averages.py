#!/usr/bin/env python3
"""Single models and averages of several kinds on the same mixtures, with paired differences from the first.

usage: scripts/bench/averages.py FOLDER... [--out DIR] [--systems NAME/...] [--also NAME=MEMBER+MEMBER:KEY=VALUE;...] [--seeds 0,1,2]
                                 [--pairs A+B,...] [--mixtures 3] [--jobs N] [--nae PROGRAM]

A FOLDER holds a folder per source with train/ and test/, such as the voices in speakers/, or with train.wav and test.wav, such as
music/drums and music/instruments (scripts/data/fetch makes them). Without --pairs every woman's voice (name ending in _f) is
paired with every man's (_m). Mixtures are those of systems.py: 25 s of training (or all there is), 5 s at 0 dB. A system is one or
more members, models of one source whose masks are averaged, and settings of separation. Work that is already in DIR is not done
again. The interval is that of the mean over pairs (bootstrap, 95 %): mixtures of a pair are not independent. Dead units are the
medians over the sources. Seconds are CPU time, which other work on the machine hardly changes. Needs cargo and Python's standard
library; prints a Markdown table.

Drums and instruments, decoders that see time beside others at the same numbers of steps:

    scripts/bench/averages.py data/full/music/drums data/full/music/instruments --systems time \
        --pairs kick+snare,kick+hihat,snare+hihat,kit+acoustic_bass
"""
import argparse, itertools, os, statistics, subprocess, sys

from systems import MIXTURE_S, TRAIN_S
from work import RATE, Work, cut, interval, mix, settings, sound, write

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
    "shallow 50": ("model.layers=2", "model.rank=50"),
    "conv": ("model.layers=2", "model.rank=50", "model.span=4", "model.hidden=softplus"),
    "conv relu": ("model.layers=2", "model.rank=50", "model.span=4"),
    "conv 1": ("model.layers=2", "model.rank=50", "model.hidden=softplus"),
    "conv 2": ("model.layers=2", "model.rank=50", "model.span=2", "model.hidden=softplus"),
    "conv 8": ("model.layers=2", "model.rank=50", "model.span=8", "model.hidden=softplus"),
    "deep conv": ("model.span=4",),
    "nmfd": ("model.kind=nmf", "model.span=4"),
    "nmfd l2": ("model.kind=nmf", "model.span=4", "model.basis_norm=l2"),
    "nmfd l2 2": ("model.kind=nmf", "model.span=2", "model.basis_norm=l2"),
    "nmfd l2 8": ("model.kind=nmf", "model.span=8", "model.basis_norm=l2"),
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

SETS = {
    "time": ["dense", "shallow 50", "shallow", "nmf l2", "nmfd l2 2", "nmfd l2", "nmfd l2 8", "conv 1", "conv 2", "conv", "conv 8", "default"],
    "kinds": ["dense", "nmf l2", "nmfd l2", "conv 1", "conv", "deep conv", "rnn", "gru", "lstm", "default"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", metavar="FOLDER")
    parser.add_argument("--out", default="nae-averages")
    parser.add_argument("--systems", default="/".join(DEFAULT), help=f"separated by /, or {' or '.join(SETS)}; the first is what the others are compared with")
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
        name, changes = text.split(":", 1)
        MEMBERS[name] = tuple(changes.split(";"))
        SYSTEMS[name] = ((name,), (E2,))
    names = list(SETS.get(options.systems, [])) or [name for name in options.systems.split("/") if name]
    for text in options.also:
        name, rest = text.split("=", 1)
        members, _, changes = rest.partition(":")
        SYSTEMS[name] = (tuple(members.split("+")), tuple(change for change in changes.split(";") if change))
        names.append(name)
    work = Work(options.out, options.jobs, options.nae)
    path, run, once, all_of = work.path, work.run, work.once, work.all_of
    place = {name: os.path.join(folder, name) for folder in options.folders for name in sorted(os.listdir(folder))}
    if not place:
        parser.error("expected a FOLDER of sources")
    pairs = [tuple(pair.split("+")) for pair in options.pairs.split(",")] if options.pairs else list(itertools.product(
        [voice for voice in place if voice.endswith("_f")], [voice for voice in place if voice.endswith("_m")]))
    voices = sorted({voice for pair in pairs for voice in pair})
    if unknown := [voice for voice in voices if voice not in place]:
        parser.error(f"no folder of {', '.join(unknown)}; there are {', '.join(place)}")
    seeds = [int(seed) for seed in options.seeds.split(",")]
    known = subprocess.run([work.program, "settings"], capture_output=True, text=True).stdout
    single = (SINGLE,) if "\nensemble" in known else ()

    for voice in voices:
        if not os.path.exists(path("train", voice + ".wav")):
            write(path("train", voice + ".wav"), sound(place[voice], "train")[:TRAIN_S * RATE])
    for pair, index in itertools.product(pairs, range(options.mixtures)):
        folder = f"mixtures/{'+'.join(pair)}/{index}"
        if not os.path.exists(path(folder, "mixture.wav")):
            tests = [sound(place[voice], "test") for voice in pair]
            length = min(MIXTURE_S * RATE, *map(len, tests))
            parts, mixture = mix([cut(test, index, options.mixtures, length) for test in tests])
            for voice, part in zip(pair, parts):
                write(path(folder, voice + ".wav"), part)
            write(path(folder, "mixture.wav"), mixture)

    def model(member, voice, seed):
        """File of a member, with what its training said."""
        file = path("models", member, str(seed), voice + ".safetensors")
        return file, work.train(path("train", voice + ".wav"), file, voice, seed, (*single, *MEMBERS[member]))

    def result(name, pair, index, seed):
        members, changed = SYSTEMS[name]
        folder = path("separated", name, str(seed), "+".join(pair), str(index))

        def separate():
            mixture = path("mixtures", "+".join(pair), str(index), "mixture.wav")
            models = [f"{voice}=" + ",".join(model(member, voice, seed)[0] for member in members) for voice in pair]
            seconds, _ = run("separate", mixture, *(word for text in models for word in ("--model", text)), "--out", folder,
                             "--force", "--seed", str(seed), *settings(changed))
            references = [os.path.join(os.path.dirname(mixture), voice + ".wav") for voice in pair]
            stems = [os.path.join(folder, voice + ".wav") for voice in pair]
            return dict(seconds=seconds, **work.evaluate(references, stems, mixture))
        return once(folder + ".json", separate)

    cells = list(itertools.product(pairs, range(options.mixtures), seeds))
    for name in names:
        print(name, file=sys.stderr)
        all_of(model, [(member, voice, seed) for member in SYSTEMS[name][0] for voice in voices for seed in seeds])
        all_of(result, [(name, *cell) for cell in cells])

    def gains(name):
        """Of every cell, one for each source."""
        of_cell = {cell: result(name, *cell)["sources"] for cell in cells}
        return {cell: [source["si_sdr"] - source["si_sdr_mixture"] for source in sources] for cell, sources in of_cell.items()}

    print(f"{len(pairs)} pairs, {options.mixtures} mixtures each, seeds {options.seeds}: gain in SI-SDR, dB; seconds of "
          f"CPU time, {work.threads} of {os.cpu_count()} cores a job\n")
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
        train = statistics.median(sum(m["cpu_s"] for m in all_members) for all_members in said)
        separate = statistics.median(result(name, *cell)["seconds"] for cell in cells)
        ceiling = [source["oracle_si_sdr"] - source["si_sdr_mixture"] for cell in cells for source in result(name, *cell)["sources"]]
        print(f"| {name} | {statistics.median(values):.2f} / {statistics.mean(values):.2f} | {compared} | {better}/{len(cells)} | {dead} | {train:.1f} | {separate:.2f} |")
    print(f"| ideal ratio mask (ceiling) | {statistics.median(ceiling):.2f} / {statistics.mean(ceiling):.2f} | | | | | |")


if __name__ == "__main__":
    main()
