#!/usr/bin/env python3
"""Personal enhancement: a known voice out of noises that no one has models of, by joint encoders of the voice against a bank of
other noises, beside the free part (`--unknown`).

usage: scripts/bench/against.py SPEAKERS NOISE [--out DIR] [--voices N] [--systems NAME/...] [--set KEY=VALUE] [--seed N] [--shift N]
                                [--level DB] [--jobs N] [--nae PROGRAM] [--by-kind]

SPEAKERS holds a folder per voice with train/ and test/, NOISE one per noise with train.wav and test.wav (scripts/data/fetch makes
both). The noises are dealt to N voices in turn (3): every noise is tested once, 5 s (noises are repeated to 5 s) with
the voice --level dB (0) above it, and a
voice's bank is made of the training parts of all noises that it is not tested with. No voice is in a bank.

    free part         the voice's models, and a source learnt on the mixture
    clips             a joint encoder against the bank's clips, one pass
    models            against models of the bank, from their latent caches
    universal         against `nae merge` of the bank, 10 bases of each noise: no sound at all
    NAME + free part  the mean of its masks with the free part's, as `nae separate --joint` gives it

Gains are in SI-SDR over the mixture, dB: median / mean / worst. The difference is that of both sources' mean from the free part,
with the interval of its mean over mixtures (bootstrap, 95 %). The ceiling is `nae evaluate`'s, an ideal ratio mask. Work that is
already in DIR is not done again. Needs cargo and Python's standard library; prints Markdown.
"""
import argparse, json, os, statistics

from work import RATE, Work, cut, interval, mix, settings, sound, write

TRAIN_S, MIXTURE_S, RANK_EACH = 25, 5, 10
FREE = "free part"
BANKS = ("clips", "models", "universal")
SYSTEMS = (FREE, *(system for bank in BANKS for system in (bank, f"{bank} + {FREE}")))


class Bench:
    def __init__(self, work, options):
        self.work, self.options = work, options
        voices, noises = (sorted(os.listdir(folder)) for folder in (options.speakers, options.noise))
        voices = (voices[options.shift:] + voices[:options.shift])[:options.voices]
        self.voices = voices
        self.tested = {voice: noises[i::len(voices)] for i, voice in enumerate(voices)}
        self.banks = {voice: [noise for noise in noises if noise not in self.tested[voice]] for voice in voices}
        self.mixtures = [(voice, noise) for voice in voices for noise in self.tested[voice]]

    def place(self, voice, noise):
        level = f" {self.options.level:+g} dB" if self.options.level else ""
        return f"{voice}+{noise}{level}"

    def make(self, voice, noise):
        file = lambda name: self.work.path("mixtures", self.place(voice, noise), name + ".wav")
        if not os.path.exists(file("mixture")):
            tests = [sound(os.path.join(place, name), "test") for place, name in ((self.options.speakers, voice), (self.options.noise, noise))]
            tests = [cut(test * -(-MIXTURE_S * RATE // len(test)), 0, 1, MIXTURE_S * RATE) for test in tests]
            parts, whole = mix(tests, (self.options.level, 0.0))
            for name, samples in (("voice", parts[0]), ("noise", parts[1]), ("mixture", whole)):
                write(file(name), samples)

    def clip(self, place, name):
        file = self.work.path("train", name + ".wav")
        if not os.path.exists(file):
            write(file, sound(os.path.join(place, name), "train")[:TRAIN_S * RATE])
        return file

    def model(self, kind, place, name):
        """File of a source's model: as `nae train` makes it, with its latent cache, or the bases for a universal one."""
        words = () if kind == "default" else ("model.kind=nmf", "model.basis_norm=l2", f"model.rank={RANK_EACH}")
        file = self.work.path("models", kind, name + ".safetensors")
        label = "voice" if place == self.options.speakers else name
        self.work.once(file + ".json", lambda: self.work.run(
            "train", self.clip(place, name), "--out", file, "--name", label, "--force", "--seed", str(self.options.seed), *settings(words))[0])
        return file

    def bank(self, kind, voice):
        """What `--against` is given."""
        noises, place = self.banks[voice], self.options.noise
        if kind == "clips":
            return [self.clip(place, noise) for noise in noises]
        if kind == "models":
            return [self.model("default", place, noise) for noise in noises]
        file = self.work.path("universal", f"noise for {voice}.safetensors")
        parts = [self.model("NMF", place, noise) for noise in noises]
        self.work.once(file + ".json", lambda: self.work.run(
            "merge", *parts, "--rank-each", str(RANK_EACH), "--name", "noise", "--out", file, "--force")[0])
        return [file]

    def joint(self, kind, voice):
        """File of the joint encoder, and what its training took."""
        file = self.work.path("joint", kind, voice + ".safetensors")

        def join():
            bank = [word for place in self.bank(kind, voice) for word in ("--against", place)]
            seconds, said = self.work.run("join", "--model", self.model("default", self.options.speakers, voice), *bank, "--out", file, "--force",
                                          "--json", "--seed", str(self.options.seed), *settings(self.options.set))
            return dict(cpu_s=seconds, seconds=json.loads(said)["seconds"])
        return file, self.work.once(file + ".json", join)

    def result(self, system, voice, noise):
        """Scores of a mixture's sources and seconds of separation."""
        folder = self.work.path("separated", system, self.place(voice, noise))
        place = self.work.path("mixtures", self.place(voice, noise))
        files = lambda of: [os.path.join(of, name + ".wav") for name in ("voice", "noise")]
        kind, _, free = system.partition(" + ")

        def separate():
            if system == FREE:
                words = ["--model", self.model("default", self.options.speakers, voice), "--unknown", "noise"]
            else:
                words = ["--joint", self.joint(kind, voice)[0], *([] if free else ["--one-pass"])]
            mixture = os.path.join(place, "mixture.wav")
            seconds, _ = self.work.run("separate", mixture, *words, "--out", folder, "--force", "--seed", str(self.options.seed))
            return dict(seconds=seconds, **self.work.evaluate(files(place), files(folder), mixture))
        return self.work.once(folder + ".json", separate)


def gain(source, of="si_sdr"):
    return source[of] - source["si_sdr_mixture"]


def three(values):
    return f"{statistics.median(values):.1f} / {statistics.mean(values):.1f} / {min(values):.1f}"


def table(bench, systems):
    print(f"\n| system | voice: median / mean / worst | noise: median / mean / worst | against the {FREE}: mean [95 %] | train, s of CPU | separate, s of CPU |")
    print("|---|---|---|---|---|---|")
    mean = lambda sources: statistics.mean(gain(source) for source in sources)
    first = [mean(bench.result(FREE, *mixture)["sources"]) for mixture in bench.mixtures]
    for system in systems:
        results = [bench.result(system, *mixture) for mixture in bench.mixtures]
        columns = [three([gain(result["sources"][i]) for result in results]) for i in range(2)]
        differences = [mean(result["sources"]) - before for result, before in zip(results, first)]
        low, high = interval(differences)
        compared = "–" if system == FREE else f"{statistics.mean(differences):+.2f} [{low:+.2f}, {high:+.2f}]"
        kind = system.partition(" + ")[0]
        spent = "–" if system == FREE else f"{statistics.mean(bench.joint(kind, voice)[1]['cpu_s'] for voice in bench.voices):.0f}"
        print(f"| {system} | {' | '.join(columns)} | {compared} | {spent} | {statistics.median(result['seconds'] for result in results):.2f} |")
    ceiling = [three([gain(result["sources"][i], "oracle_si_sdr") for result in results]) for i in range(2)]
    print(f"| ideal ratio mask (ceiling) | {' | '.join(ceiling)} | | | |")


def by_kind(bench, systems):
    print(f"\n| voice's gain | {' | '.join(systems)} |")
    print("|---|" + "---|" * len(systems))
    for mixture in bench.mixtures:
        gains = [gain(bench.result(system, *mixture)["sources"][0]) for system in systems]
        print(f"| {' + '.join(mixture)} | {' | '.join(f'{x:.1f}' for x in gains)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers")
    parser.add_argument("noise")
    parser.add_argument("--out", default="nae-against")
    parser.add_argument("--voices", type=int, default=3)
    parser.add_argument("--systems", default="/".join(SYSTEMS), help="separated by /")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="setting of `nae join`")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--level", type=float, default=0.0, help="of the voice over the noise, dB")
    parser.add_argument("--shift", type=int, default=0, help="begin so many voices further on: other mixtures, to choose settings on")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--nae", help="a binary to use instead of building one")
    parser.add_argument("--by-kind", action="store_true", help="a table of every mixture as well")
    options = parser.parse_args()
    systems = [system for system in SYSTEMS if system in options.systems.split("/")]
    work = Work(options.out, options.jobs, options.nae)
    bench = Bench(work, options)
    print(f"{len(bench.voices)} voices, {len(bench.mixtures)} mixtures, banks of {min(map(len, bench.banks.values()))} noises, seed {options.seed}: "
          f"gain in SI-SDR, dB")
    for mixture in bench.mixtures:
        bench.make(*mixture)
    kinds = dict.fromkeys(system.partition(" + ")[0] for system in systems if system != FREE)
    # what several jobs need is there before they begin
    for voice in bench.voices:
        bench.model("default", options.speakers, voice)
        for kind in kinds:
            bench.bank(kind, voice)
    work.all_of(bench.joint, [(kind, voice) for kind in kinds for voice in bench.voices])
    work.all_of(bench.result, [(system, *mixture) for system in dict.fromkeys([FREE, *systems]) for mixture in bench.mixtures])
    table(bench, systems)
    if options.by_kind:
        by_kind(bench, systems)


if __name__ == "__main__":
    main()
