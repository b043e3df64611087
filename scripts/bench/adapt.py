#!/usr/bin/env python3
"""Models of dry voices in another room: as they are, adapted to five seconds of it, and trained on those five seconds alone.

usage: scripts/bench/adapt.py SPEAKERS [--out DIR] [--scenario room|same|voice] [--systems NAME,...] [--also NAME=SYSTEM:KEY=VALUE;...]
                              [--seeds 0,1,2] [--pairs A+B,...] [--mixtures 2] [--jobs N] [--nae PROGRAM]

SPEAKERS holds a folder per voice with train/ and test/ (scripts/data/fetch makes it). Parents are trained on the first 20 s of a
voice; the five seconds after them are what models adapt to. Scenarios:

  room   those five seconds and the test sentences are in another room: a simulated response (first reflections of a shoebox by
         image sources, then exponentially decaying noise, 0.35 s for 60 dB) and a coloured microphone (low cut at 150 Hz, +6 dB
         about 2.5 kHz, -8 dB above 5 kHz), another place in the room for every voice
  same   the same voice, microphone and room: does a short clip ruin a model?
  voice  the parent is another voice of the same sex, dry

Mixtures are 5 s at 0 dB of a pair, both in the room. Systems: `parent`, `alone` (trained on the five seconds), `from` (`nae train
--from`), `where` (`nae adapt --where`) and `found` (`nae adapt`) on a recording in which both voices sound together after those
five seconds, `ceiling` (trained on 20 s in the room). Work that is already in DIR is not done again. The
interval is that of the mean over pairs (bootstrap, 95 %). Needs cargo, Python and numpy; prints a Markdown table.
"""
import argparse, itertools, json, os, statistics, sys

import numpy

from systems import PAIRS
from work import RATE, Work, interval, read, settings, write

PARENT_S, SHORT_S = 20, 5
SAME_SEX = {"allison_en_f": "june_fr_f", "june_fr_f": "allison_en_f", "ivrvoice_ru_f": "fillets_cs_f", "fillets_cs_f": "ivrvoice_ru_f",
            "librivox_en_m": "fillets_cs_m", "fillets_cs_m": "tuxpaint_bg_m", "tuxpaint_bg_m": "librivox_en_m", "carlo_it_m": "fillets_cs_m"}


def response(seed):
    """From a place in a room of 5.2 m by 4.1 m by 2.6 m to a microphone in it."""
    rng = numpy.random.default_rng(seed)
    room, decay_s, speed = numpy.array([5.2, 4.1, 2.6]), 0.35, 343.0
    source, microphone = room * rng.uniform(0.2, 0.8, 3), room * numpy.array([0.45, 0.6, 0.5])
    length = int(0.4 * RATE)
    out = numpy.zeros(length)
    images = [(source, 1.0)]
    for axis, wall in itertools.product(range(3), (0, 1)):
        image = source.copy()
        image[axis] = 2 * wall * room[axis] - image[axis]
        images.append((image, 0.7))
    distances = [max(numpy.linalg.norm(image - microphone), 0.3) for image, _ in images]
    for (_, gain), distance in zip(images, distances):
        out[int(round((distance - distances[0] + 0.01) / speed * RATE)) if distance >= distances[0] else 0] += gain / distance
    time_s = numpy.arange(length) / RATE
    tail = rng.standard_normal(length) * 10 ** (-3 * time_s / decay_s) * (time_s > 0.02)
    return out + 0.35 * numpy.abs(out).max() * tail * numpy.sqrt(1 / (RATE * 0.02))


def microphone(samples):
    """Its colour, put in as gains of frequencies."""
    spectrum = numpy.fft.rfft(samples)
    frequency = numpy.fft.rfftfreq(len(samples), 1 / RATE) + 1e-9
    db = (-10 * numpy.log10(1 + (150 / frequency) ** 4) + 6 * numpy.exp(-numpy.log2(frequency / 2500) ** 2 / 0.5)
          - 8 / (1 + (5000 / frequency) ** 4))
    return numpy.fft.irfft(spectrum * 10 ** (db / 20), len(samples))


def in_room(samples, seed):
    samples = numpy.asarray(samples, float)
    size = 1 << (len(samples) + RATE).bit_length()
    wet = numpy.fft.irfft(numpy.fft.rfft(samples, size) * numpy.fft.rfft(response(seed), size), size)[:len(samples)]
    return microphone(wet)


def scaled(samples, level=0.06):
    samples = numpy.asarray(samples, float)
    samples = samples * level * 32768 / max(numpy.sqrt(numpy.mean(samples ** 2)), 1e-9)
    return numpy.clip(numpy.round(samples), -32768, 32767).astype(int).tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers")
    parser.add_argument("--out", default="nae-adapt")
    parser.add_argument("--scenario", choices=("room", "same", "voice"), default="room")
    parser.add_argument("--systems", default="parent,alone,from,where,found,ceiling", help="the first is what the others are compared with")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=SYSTEM:KEY=VALUE;...", help="one more: a system with other settings of training")
    parser.add_argument("--pairs", default=PAIRS)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--mixtures", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--nae", help="a binary to use instead of building one")
    parser.add_argument("--train", default="", metavar="KEY=VALUE;...", help="settings of the models that are not adapted")
    options = parser.parse_args()
    work = Work(options.out, options.jobs, options.nae)
    path, run, once = work.path, work.run, work.once
    pairs = [tuple(pair.split("+")) for pair in options.pairs.split(",")]
    voices = sorted({voice for pair in pairs for voice in pair})
    seeds = [int(seed) for seed in options.seeds.split(",")]
    all_systems = {name: (name, ()) for name in ("parent", "alone", "from", "where", "found", "ceiling")}
    names = options.systems.split(",")
    for text in options.also:
        name, rest = text.split("=", 1)
        system, _, words = rest.partition(":")
        all_systems[name] = (system, tuple(word for word in words.split(";") if word))
        names.append(name)
    def sound(voice, samples):
        """As this scenario has it: a place of its own for every voice."""
        place = sum(voice.encode())
        return in_room(samples, place) if options.scenario == "room" else numpy.asarray(samples, float)

    def keep(file, samples):
        if not os.path.exists(file):
            write(file, samples)

    short = {}
    for voice in sorted({*voices, *(SAME_SEX[voice] for voice in voices)} if options.scenario == "voice" else voices):
        all_samples = numpy.array(read(os.path.join(options.speakers, voice, "train")), float)
        # a short recording gives what it has
        parent = all_samples[:min(PARENT_S * RATE, len(all_samples) - SHORT_S * RATE)]
        short[voice] = sound(voice, all_samples)[len(parent):len(parent) + SHORT_S * RATE]
        keep(path(options.scenario, "dry", voice + ".wav"), scaled(parent))
        keep(path(options.scenario, "ceiling", voice + ".wav"), scaled(sound(voice, parent)))
        keep(path(options.scenario, "short", voice + ".wav"), scaled(short[voice]))
    for pair in pairs:
        for voice, other in (pair, pair[::-1]):
            both = numpy.array(scaled(short[voice])) + numpy.array(scaled(short[other]))
            keep(path(options.scenario, "recordings", "+".join((voice, other)) + ".wav"),
                  numpy.clip(numpy.concatenate([scaled(short[voice]), both]), -32768, 32767).astype(int).tolist())
        for index in range(options.mixtures):
            folder = f"{options.scenario}/mixtures/{'+'.join(pair)}/{index}"
            parts = []
            for voice in pair:
                test = sound(voice, read(os.path.join(options.speakers, voice, "test")))
                length = min(SHORT_S * RATE, len(test))
                start = (len(test) - length) * index // max(options.mixtures - 1, 1)
                parts.append(scaled(test[start:start + length]))
                keep(path(folder, voice + ".wav"), parts[-1])
            keep(path(folder, "mixture.wav"), [sum(values) for values in zip(*parts)])

    def model(name, voice, other, seed):
        """File of a voice's model, with what its training said."""
        system, words = all_systems[name]
        of = "+".join((voice, other)) if system in ("where", "found") else voice
        file = path(options.scenario, "models", name, str(seed), of + ".safetensors")
        if system in ("parent", "alone", "ceiling"):
            words += tuple(filter(None, options.train.split(";")))
        common = ["--out", file, "--name", voice, "--force", "--json", "--no-memory", "--seed", str(seed), *settings(words)]

        def train():
            known = SAME_SEX[voice] if options.scenario == "voice" else voice
            clips = {"parent": ("dry", known), "ceiling": ("ceiling", voice)}.get(system, ("short", voice))
            clip = path(options.scenario, clips[0], clips[1] + ".wav")
            if system in ("parent", "alone", "ceiling"):
                arguments = ["train", clip]
            else:
                parent = model("parent", voice, other, seed)[0]
                recording = path(options.scenario, "recordings", "+".join((voice, other)) + ".wav")
                arguments = {"from": ["train", clip, "--from", parent], "where": ["adapt", parent, recording, "--where", f"0-{SHORT_S}"],
                             "found": ["adapt", parent, recording]}[system]
            seconds, said = run(*arguments, *common)
            return dict(json.loads(said), cpu_s=seconds)
        return file, once(file + ".json", train)

    def result(name, pair, index, seed):
        folder = path(options.scenario, "separated", name, str(seed), "+".join(pair), str(index))

        def separate():
            mixture = path(options.scenario, "mixtures", "+".join(pair), str(index), "mixture.wav")
            models = [f"{voice}={model(name, voice, other, seed)[0]}" for voice, other in (pair, pair[::-1])]
            run("separate", mixture, *(word for text in models for word in ("--model", text)), "--out", folder, "--force", "--seed", str(seed))
            references = [os.path.join(os.path.dirname(mixture), voice + ".wav") for voice in pair]
            stems = [os.path.join(folder, voice + ".wav") for voice in pair]
            return work.evaluate(references, stems, mixture)
        return once(folder + ".json", separate)

    cells = list(itertools.product(pairs, range(options.mixtures), seeds))

    if any(all_systems[name][0] in ("from", "where", "found") for name in names) and "parent" not in names:
        names.insert(0, "parent")
    gains = {}
    for name in names:
        print(name, file=sys.stderr)
        alone = all_systems[name][0] not in ("where", "found")
        own = [(voice, "" if alone else other) for pair in pairs for voice, other in (pair, pair[::-1])]
        work.all_of(model, list(dict.fromkeys((name, voice, other, seed) for voice, other in own for seed in seeds)))
        work.all_of(result, [(name, *cell) for cell in cells])
        of_cell = {cell: result(name, *cell)["sources"] for cell in cells}
        gains[name] = {cell: [s["si_sdr"] - s["si_sdr_mixture"] for s in sources] for cell, sources in of_cell.items()}

    first = names[0]
    print(f"{options.scenario}: {len(pairs)} pairs, {options.mixtures} mixtures each, seeds {options.seeds}: gain in SI-SDR, dB\n")
    print(f"| system | median / mean | worst | against {first}: mean [95 %] | mixtures better | train, CPU s |")
    print("|---|---|---|---|---|---|")
    for name in names:
        values = [gain for cell in cells for gain in gains[name][cell]]
        difference = {cell: statistics.mean(gains[name][cell]) - statistics.mean(gains[first][cell]) for cell in cells}
        by_pair = [statistics.mean(difference[cell] for cell in cells if cell[0] == pair) for pair in pairs]
        low, high = interval(by_pair)
        compared = "–" if name == first else f"{statistics.mean(by_pair):+.2f} [{low:+.2f}, {high:+.2f}]"
        seconds = statistics.median(model(name, voice, other, seed)[1]["cpu_s"] for pair in pairs for voice, other in (pair, pair[::-1]) for seed in seeds)
        better = sum(x > 0 for x in difference.values())
        print(f"| {name} | {statistics.median(values):.2f} / {statistics.mean(values):.2f} | {min(values):.2f} | {compared} | {better}/{len(cells)} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
