#!/usr/bin/env python3
"""The open world: sources of which nobody has a clean recording, beside the same mixtures with every source known.

usage: scripts/bench/open.py SPEAKERS NOISE [--out DIR] [--scenarios S1,S2,S3,S4] [--systems NAME/...] [--also NAME=SYSTEM:KEY=VALUE;...]
                             [--levels=-5,0,5] [--seeds 0,1,2] [--jobs N] [--nae PROGRAM] [--shift N] [--every-pair] [--mixtures-only] [--by-kind]

SPEAKERS holds a folder per voice with train/ and test/, NOISE one per noise with train.wav and test.wav (scripts/data/fetch makes
both). Voices are trained on 25 s; mixtures are cut from the tests.

    S1  a known voice and an unknown noise; every noise once, voices in turn
    S2  a known noise and an unknown voice; every noise once, voices in turn, three further on than in S1
    S3  a known and an unknown voice; every voice and the next one
    S4  two known voices, the first six of S3's pairs, and an unknown noise 5 dB under each; every other noise

With --every-pair S1 and S2 have every voice with every noise. S1 is mixed at every one of the levels (dB of the voice over the noise), S2 at 0 dB; noises are repeated to 5 s. "S1 unlooped" has
mixtures as long as the noise's test, where that is a second or more, at 0 dB. Universal models are made without what they are
tested on: NMF of the other voices (S2, S3) or noises (S1), 10 bases of each. Peers are rows where peers.py has put their stems into
DIR/peers. Gains are in SI-SDR over the mixture, dB: median / mean / worst over mixtures and seeds. The difference is that of all
sources' mean from the first system, with the interval of its mean over mixtures (bootstrap, 95 %). The ceiling is `nae evaluate`'s,
an ideal ratio mask. Work that is already in DIR is not done again. Needs cargo and Python's standard library; prints Markdown.
"""
import argparse, collections, functools, itertools, os, statistics, sys

from work import RATE, Work, cut, interval, mix, settings, sound, write

TRAIN_S, MIXTURE_S, LEAST_S = 25, 5, 1
RANK_EACH = 10
UNDER_DB = -5
MEMBERS = {
    "default": (),
    "4 layers": ("train.ensemble=[]",),
    "NMF": ("model.kind=nmf", "model.basis_norm=l2"),
    # what universal models are merged from, as scripts/universal/make does
    "NMF 10": ("model.kind=nmf", "model.basis_norm=l2", f"model.rank={RANK_EACH}"),
}
Mixture = collections.namedtuple("Mixture", "scenario names unknown levels looped")
"""What is mixed: the sources' names, the one without a model, everyone's level in dB."""

KNOWN = "everything known"


def free(member="default", *changed):
    """A model of every known source, and a free part for the unknown one."""
    return dict(member=member, unknown="free", changed=changed)


def kept(member="default", *changed):
    """What was learnt of the unknown source on another recording: both sources' training sounds, at equal levels."""
    return dict(member=member, unknown="kept", changed=changed)


def blind(*changed):
    """A universal model of the known source's kind, which does not have it, and a free part: nobody was recorded alone."""
    return dict(member="universal", unknown="free", changed=changed)


def known(member="default", *changed):
    return dict(member=member, unknown="known", changed=changed)


def universal(member="default", *changed):
    """The unknown source's place is taken by a model of all others of its kind."""
    return dict(member=member, unknown="universal", changed=changed)


# what many bases need that explain a mixture in many ways: README, universal models
PENALTY = "separate.sparsity=0.02"
NO_PENALTY = "separate.universal_sparsity=0"
ALL_KNOWN = {
    KNOWN: known(),
    f"{KNOWN}, NMF": known("NMF"),
    f"{KNOWN}, NMF, penalty": known("NMF", PENALTY),
}
FREE = ALL_KNOWN | {
    "free part": free(),
    "free part, no penalty": free("default", "separate.unknown.penalty=0"),
    "free part beside 4 layers": free("4 layers"),
    "free part beside NMF": free("NMF"),
    "free part, NMF, no penalty": free("NMF", "separate.unknown.penalty=0"),
}
SYSTEMS = {
    "S1": FREE | {"universal noise": universal(), "universal noise, NMF": universal("NMF"),
                  "universal voice and free part": blind(), "free part, kept from another recording": kept()},
    "S1 unlooped": FREE,
    "S2": ALL_KNOWN | {
        "universal voice": universal(),
        "universal voice, NMF": universal("NMF"),
        "universal voice, no penalty": universal("default", NO_PENALTY),
        "free part": free(),
        "free part beside NMF": free("NMF"),
    },
    "S3": ALL_KNOWN | {
        "universal voice": universal(),
        "universal voice, NMF": universal("NMF"),
        "free part": free(),
        "free part beside NMF": free("NMF"),
    },
    "S4": FREE,
}
PEERS = ("S1", "S1 unlooped", "S2")


def mixtures_of(scenario, voices, noises, levels, every_pair):
    """The scenario's mixtures by the rule in this script's first lines."""
    if every_pair and scenario in ("S1", "S1 unlooped", "S2"):
        looped, order = scenario != "S1 unlooped", -1 if scenario == "S2" else 1
        return [Mixture(scenario, (voice, noise)[::order], voice if scenario == "S2" else noise, (level, 0.0), looped)
                for level in (levels if scenario == "S1" else [0.0]) for voice in voices for noise in noises]
    turn = lambda i: voices[i % len(voices)]
    pairs = [(turn(i), turn(i + 1)) for i in range(len(voices))]
    if scenario == "S1":
        return [Mixture(scenario, (turn(i), noise), noise, (level, 0.0), True) for level in levels for i, noise in enumerate(noises)]
    if scenario == "S1 unlooped":
        return [Mixture(scenario, (turn(i), noise), noise, (0.0, 0.0), False) for i, noise in enumerate(noises)]
    if scenario == "S2":
        return [Mixture(scenario, (noise, turn(i + 3)), turn(i + 3), (0.0, 0.0), True) for i, noise in enumerate(noises)]
    if scenario == "S3":
        return [Mixture(scenario, pair, pair[1], (0.0, 0.0), True) for pair in pairs]
    return [Mixture(scenario, (*pair, noise), noise, (0.0, 0.0, UNDER_DB), True) for pair, noise in zip(pairs[:6], noises[::2])]


def folder_of(mixture):
    level = f"{mixture.levels[0]:+g} dB" if mixture.scenario == "S1" else ""
    return os.path.join(mixture.scenario + (f" {level}" if level else ""), "+".join(mixture.names))


def make(work, mixture, sources):
    """Writes a mixture and its references; false for one that would be too short."""
    folder = work.path("mixtures", folder_of(mixture))
    if os.path.exists(os.path.join(folder, "mixture.wav")):
        return True
    tests = [sound(sources[name], "test") for name in mixture.names]
    if mixture.looped:
        tests = [test * -(-MIXTURE_S * RATE // len(test)) for test in tests]
    length = min(MIXTURE_S * RATE, *map(len, tests))
    if length < LEAST_S * RATE:
        return False
    # a level is one over the sound that the mixture has, so it is the repeated and cut one that is measured
    parts, whole = mix([cut(test, 0, 1, length) for test in tests], mixture.levels)
    os.makedirs(folder, exist_ok=True)
    for name, part in zip(mixture.names, parts):
        write(os.path.join(folder, name + ".wav"), part)
    write(os.path.join(folder, "mixture.wav"), whole)
    return True


class Bench:
    def __init__(self, work, sources, noises):
        self.work, self.sources, self.noises = work, sources, noises

    def model(self, member, name, seed):
        """File of a source's model."""
        work, clip = self.work, self.work.path("train", name + ".wav")
        if not os.path.exists(clip):
            write(clip, sound(self.sources[name], "train")[:TRAIN_S * RATE])
        file = work.path("models", member, str(seed), name + ".safetensors")
        work.train(clip, file, name, seed, MEMBERS[member])
        return file

    def universal(self, source, mixture, seed):
        """File of a model of all sources of this one's kind that the mixture does not have."""
        is_noise = source in self.noises
        others = [name for name in sorted(self.sources) if (name in self.noises) == is_noise and name not in mixture.names]
        label = "noise" if is_noise else "voice"
        file = self.work.path("universal", str(seed), f"{label} without {'+'.join(sorted(set(mixture.names)))}.safetensors")
        models = [self.model("NMF 10", name, seed) for name in others]
        self.work.once(file + ".json", lambda: self.work.run(
            "merge", *models, "--rank-each", str(RANK_EACH), "--out", file, "--name", label, "--force")[0])
        return file

    def kept(self, system, mixture, seed):
        """File of what was learnt of the mixture's noise on a recording of other sounds of both."""
        member, (name, noise) = system["member"], mixture.names
        folder = self.work.path("kept", member, str(seed), f"{name}+{noise}")
        file = folder + ".safetensors"

        def learn():
            length = MIXTURE_S * RATE
            sounds = [sound(self.sources[source], "train") for source in mixture.names]
            _, whole = mix([cut(one * -(-length // len(one)), 0, 1, length) for one in sounds])
            write(folder + ".wav", whole)
            self.work.run("separate", folder + ".wav", "--model", f"{name}={self.model(member, name, seed)}", "--unknown", noise,
                          "--keep-unknown", file, "--out", folder, "--force", "--seed", str(seed))
        self.work.once(file + ".json", learn)
        return file

    def models(self, system, mixture, seed):
        """Arguments that name the sources."""
        words = []
        for name in mixture.names:
            match system["member"] if name != mixture.unknown else system["unknown"]:
                case "free":
                    words += ["--unknown", name]
                case "kept":
                    words += ["--model", f"{name}={self.kept(system, mixture, seed)}"]
                case "universal":
                    words += ["--model", f"{name}={self.universal(name, mixture, seed)}"]
                case _:
                    words += ["--model", f"{name}={self.model(system['member'], name, seed)}"]
        return words

    def result(self, name, system, mixture, seed):
        """Scores of a mixture's sources and seconds of separation."""
        place = folder_of(mixture)
        folder = self.work.path("separated", name, str(seed), place)
        references = [self.work.path("mixtures", place, source + ".wav") for source in mixture.names]
        whole = self.work.path("mixtures", place, "mixture.wav")

        def separate():
            if "peer" in system:
                stems, seconds = self.work.path("peers", system["peer"], place), None
            else:
                stems = folder
                seconds, _ = self.work.run("separate", whole, *self.models(system, mixture, seed), "--out", stems, "--force",
                                           "--seed", str(seed), *settings(system["changed"]))
            estimates = [os.path.join(stems, source + ".wav") for source in mixture.names]
            return dict(seconds=seconds, **self.work.evaluate(references, estimates, whole))
        return self.work.once(folder + ".json", separate)


def gain(source, of="si_sdr"):
    return source[of] - source["si_sdr_mixture"]


def three(values):
    return f"{statistics.median(values):.1f} / {statistics.mean(values):.1f} / {min(values):.1f}"


def roles(mixture):
    """Names of a table's columns of gains, and the sources' places that belong to them."""
    unknown = mixture.names.index(mixture.unknown)
    others = [i for i in range(len(mixture.names)) if i != unknown]
    kind = {"S1": "voice|noise", "S1 unlooped": "voice|noise", "S2": "noise|voice", "S3": "known voice|unknown voice", "S4": "voices|noise"}
    first, second = kind[mixture.scenario].split("|")
    return [(first, others), (second, [unknown])]


def table(title, systems, mixtures, seeds, result):
    """Every system's gains over the mixtures and seeds."""
    columns = roles(mixtures[0])
    print(f"\n**{title}**, {len(mixtures)} mixtures, seeds {','.join(map(str, seeds))}\n")
    print(f"| system | {' | '.join(f'{name}: median / mean / worst' for name, _ in columns)} | against the first: mean [95 %] | separate, s |")
    print("|---|" + "---|" * (len(columns) + 2))
    first = None
    for name in systems:
        own = {(m, seed): result(name, m, seed) for m in mixtures for seed in seeds}
        values = [[gain(own[key]["sources"][i]) for key in own for i in places] for _, places in columns]
        mean = {m: statistics.mean(gain(source) for seed in seeds for source in own[m, seed]["sources"]) for m in mixtures}
        first = first or mean
        differences = [mean[m] - first[m] for m in mixtures]
        low, high = interval(differences)
        compared = "–" if first is mean else f"{statistics.mean(differences):+.2f} [{low:+.2f}, {high:+.2f}]"
        seconds = [one["seconds"] for one in own.values()]
        spent = "–" if None in seconds else f"{statistics.median(seconds):.2f}"
        print(f"| {name} | {' | '.join(map(three, values))} | {compared} | {spent} |")
    ceiling = [[gain(own[key]["sources"][i], "oracle_si_sdr") for key in own for i in places] for _, places in columns]
    print(f"| ideal ratio mask (ceiling) | {' | '.join(map(three, ceiling))} | | |")


def by_kind(title, systems, mixtures, seeds, result):
    """Mean gains of every mixture, both roles."""
    columns = roles(mixtures[0])
    print(f"\n{title}, {' / '.join(name for name, _ in columns)}, means over seeds:\n")
    print(f"| mixture | {' | '.join(systems)} | ceiling |")
    print("|---|" + "---|" * (len(systems) + 1))
    for mixture in mixtures:
        cells = []
        for name in systems:
            all_of = [result(name, mixture, seed)["sources"] for seed in seeds]
            means = [statistics.mean(gain(sources[i]) for sources in all_of for i in places) for _, places in columns]
            cells.append(" / ".join(f"{x:.1f}" for x in means))
        ceiling = [statistics.mean(gain(all_of[0][i], "oracle_si_sdr") for i in places) for _, places in columns]
        cells.append(" / ".join(f"{x:.1f}" for x in ceiling))
        print(f"| {' + '.join(mixture.names)} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers")
    parser.add_argument("noise")
    parser.add_argument("--out", default="nae-open")
    parser.add_argument("--scenarios", default=",".join(SYSTEMS))
    parser.add_argument("--systems", help="separated by /; default: all of a scenario")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=SYSTEM:KEY=VALUE;...",
                        help="one more where there is that system: its settings of separation with more")
    parser.add_argument("--levels", default="-5,0,5")
    parser.add_argument("--shift", type=int, default=0, help="begin so many voices further on: other mixtures, to choose settings on")
    parser.add_argument("--every-pair", action="store_true")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--nae", help="a binary to use instead of building one")
    parser.add_argument("--mixtures-only", action="store_true", help="make the mixtures, for peers.py, and end")
    parser.add_argument("--by-kind", action="store_true", help="a table of every mixture as well")
    options = parser.parse_args()
    work = Work(options.out, options.jobs, options.nae)
    voices, noises = (sorted(os.listdir(folder)) for folder in (options.speakers, options.noise))
    voices = voices[options.shift:] + voices[:options.shift]
    sources = {name: os.path.join(folder, name) for folder, names in ((options.speakers, voices), (options.noise, noises)) for name in names}
    seeds = [int(seed) for seed in options.seeds.split(",")]
    levels = [float(level) for level in options.levels.split(",")]
    bench = Bench(work, sources, noises)
    peers = sorted(os.listdir(work.path("peers"))) if os.path.isdir(work.path("peers")) else []
    print(f"{len(voices)} voices, {len(noises)} noises: gain in SI-SDR, dB; seconds of CPU time, {work.threads} of {os.cpu_count()} "
          f"cores a job")
    for scenario in options.scenarios.split(","):
        wanted = mixtures_of(scenario, voices, noises, levels, options.every_pair)
        mixtures = [mixture for mixture in wanted if make(work, mixture, sources)]
        if short := [mixture.unknown for mixture in wanted if mixture not in mixtures]:
            print(f"\n{scenario} without {', '.join(short)}: shorter than {LEAST_S} s.")
        if options.mixtures_only:
            continue
        systems = dict(SYSTEMS[scenario])
        for text in options.also:
            name, rest = text.split("=", 1)
            base, _, changes = rest.partition(":")
            if base in systems:
                systems[name] = systems[base] | dict(changed=(*systems[base]["changed"], *(change for change in changes.split(";") if change)))
        if options.systems:
            extra = [text.split("=", 1)[0] for text in options.also]
            systems = {name: system for name, system in systems.items() if name in options.systems.split("/") + extra}
        if scenario in PEERS:
            systems |= {peer: dict(peer=peer) for peer in peers}
        trained = {(s["member"], name, seed) for s in systems.values() if s.get("member", "universal") != "universal"
                   for m in mixtures for name in m.names for seed in seeds if name != m.unknown or s["unknown"] == "known"}
        print(scenario, file=sys.stderr)
        work.all_of(bench.model, sorted(trained))
        # what all are made of comes first: jobs that run at the same time would make it twice
        merged = {(name, tuple(sorted(m.names))): m for s in systems.values() for m in mixtures for name in m.names
                  if s.get("unknown" if name == m.unknown else "member") == "universal"}
        kinds = {name in noises for name, _ in merged}
        work.all_of(bench.model, [("NMF 10", name, seed) for name in sorted(sources) if (name in noises) in kinds for seed in seeds])
        work.all_of(bench.universal, [(name, m, seed) for (name, _), m in merged.items() for seed in seeds])
        kept = {(s["member"], m.names, seed): (s, m, seed) for s in systems.values() if s.get("unknown") == "kept"
                for m in mixtures for seed in seeds}
        work.all_of(bench.kept, kept.values())
        cells = [(name, system, m, seed) for name, system in systems.items() for m in mixtures for seed in seeds]
        work.all_of(bench.result, cells)
        result = functools.cache(lambda name, mixture, seed: bench.result(name, systems[name], mixture, seed))
        for level, of_level in itertools.groupby(mixtures, key=lambda m: m.levels[0]):
            of_level = list(of_level)
            title = f"{scenario}, {level:+g} dB" if scenario == "S1" else scenario
            table(title, systems, of_level, seeds, result)
            if options.by_kind:
                by_kind(title, systems, of_level, seeds, result)


if __name__ == "__main__":
    main()
