#!/usr/bin/env python3
"""Live separation against that of whole files: what latency costs in dB.

usage: scripts/bench/live.py SPEAKERS [--out DIR] [--pairs A+B,...] [--systems NAME,...] [--mixtures 3] [--seed 0] [--jobs N] [--nae FILE]

SPEAKERS holds a folder per voice with train/ and test/ (scripts/data/fetch makes it). Mixtures have 5 s at 0 dB. Models and joint
encoders are trained on 25 s of each voice, those for live use with configs/live.toml. The first row is the reference: the default
joint encoder on whole files. Work that is already in DIR is not done again. Seconds are of CPU time. Prints a Markdown table.
"""
import argparse, concurrent.futures, json, os, statistics

from work import RATE, ROOT, Work, cut, mix, read, settings, write

TRAIN_S, LENGTH_S = 25, 5
PAIRS = "allison_en_f+librivox_en_m,june_fr_f+tuxpaint_bg_m,fillets_cs_f+fillets_cs_m"
LIVE = ("--config", os.path.join(ROOT, "configs/live.toml"))
# (frames, settings of the join, or None for models alone, and options of nae live, or None for whole files)
SYSTEMS = {
    "joint encoder, whole files": ((), (), None),
    "the same live, all of its look-ahead": ((), (), ()),
    "the same live, 100 ms": ((), (), ("--latency", "100")),
    "past only, frames of 64 ms": ((), ("joint.hearing=\"past\"",), ()),
    "configs/live.toml": (LIVE, (), ()),
    "… on whole files": (LIVE, (), None),
    **{f"… 32 + {8 * frames} ms": (LIVE, (f"joint.look_ahead={frames}",), ()) for frames in (2, 6, 8, 12, 25)},
    "… gru": (LIVE, ("joint.body=gru",), ()),
    "… gru, 32 + 64 ms": (LIVE, ("joint.body=gru", "joint.look_ahead=8"), ()),
    "activations, whole files": ((), None, None),
    **{f"activations live, {n} updates": ((), None, ("--updates", str(n))) for n in (1, 2, 5, 10, 20)},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers")
    parser.add_argument("--out", default="nae-live")
    parser.add_argument("--pairs", default=PAIRS)
    parser.add_argument("--systems", help="names, / for the comma; default: all")
    parser.add_argument("--mixtures", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--nae", help="a binary to use instead of building one")
    options = parser.parse_args()
    options.speakers = os.path.abspath(options.speakers)
    work = Work(options.out, options.jobs, options.nae)
    pairs = [tuple(pair.split("+")) for pair in options.pairs.split(",")]
    names = [name.replace("/", ",") for name in options.systems.split(",")] if options.systems else list(SYSTEMS)
    seed = ("--seed", str(options.seed))

    def model(frames, voice):
        file = work.path("models", "live" if frames else "default", voice + ".safetensors")
        clip = work.path("train", voice + ".wav")
        if not os.path.exists(clip):
            write(clip, read(os.path.join(options.speakers, voice, "train"))[:TRAIN_S * RATE])
        work.once(file + ".json", lambda: work.run("train", clip, "--out", file, "--name", voice, "--force", *seed, *frames)[0])
        return file

    def joint(frames, changes, pair):
        name = "_".join(changes).replace('"', "") or "default"
        file = work.path("joints", "live" if frames else "default", name, "+".join(pair) + ".safetensors")
        models = [word for voice in pair for word in ("--model", model(frames, voice))]
        work.once(file + ".json", lambda: work.run("join", *models, "--out", file, "--force", *seed, *frames, *settings(changes))[0])
        return file

    def scene(pair, index):
        folder = work.path("mixtures", "+".join(pair), str(index), "mixture.wav")
        if not os.path.exists(folder):
            parts = [cut(read(os.path.join(options.speakers, voice, "test")), index, options.mixtures, LENGTH_S * RATE) for voice in pair]
            length = min(map(len, parts))
            sources, mixture = mix([part[:length] for part in parts])
            for voice, source in zip(pair, sources):
                write(os.path.join(os.path.dirname(folder), voice + ".wav"), source)
            write(folder, mixture)
        return os.path.dirname(folder)

    def result(name, pair, index):
        """Scores of one mixture, CPU seconds, and what nae live reports."""
        frames, changes, live = SYSTEMS[name]
        folder, out = scene(pair, index), work.path("stems", name.replace("/", "_"), "+".join(pair), str(index), "x")
        out = os.path.dirname(out)
        mixture, stems = os.path.join(folder, "mixture.wav"), [os.path.join(out, voice + ".wav") for voice in pair]

        def separated():
            if changes is None:
                using = [word for voice in pair for word in ("--model", model(frames, voice))]
            else:
                using = ["--joint", joint(frames, changes, pair)]
            report = {}
            if live is None:
                seconds, _ = work.run("separate", mixture, *using, "--out", out, "--force")
            else:
                to = [word for voice, stem in zip(pair, stems) for word in ("--to", f"{voice}={stem}")]
                file = os.path.join(out, "report.json")
                seconds, _ = work.run("live", mixture, *using, *to, "--aligned", "--force", "--report", file, *live)
                with open(file) as text:
                    report = json.load(text)
            references = [os.path.join(folder, voice + ".wav") for voice in pair]
            _, scores = work.run("evaluate", "--reference", *references, "--estimate", *stems, "--mixture", mixture, "--json")
            return dict(seconds=seconds, report=report, **json.loads(scores))

        return work.once(out + ".json", separated)

    cells = [(name, pair, index) for name in names for pair in pairs for index in range(options.mixtures)]
    # models first, each once
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda cell: model(*cell), sorted({(SYSTEMS[name][0], voice) for name, pair, _ in cells for voice in pair})))
        joints = {(SYSTEMS[name][0], SYSTEMS[name][1], pair) for name, pair, _ in cells if SYSTEMS[name][1] is not None}
        list(pool.map(lambda cell: joint(*cell), sorted(joints)))
        results = dict(zip(cells, pool.map(lambda cell: result(*cell), cells)))

    def gains(name):
        rows = [results[name, pair, index] for pair in pairs for index in range(options.mixtures)]
        return [source["si_sdr"] - source["si_sdr_mixture"] for row in rows for source in row["sources"]], rows

    reference, _ = gains(names[0])
    print(f"| system | latency | SI-SDR gain | against {names[0]} | CPU time / time of sound |\n|---|---|---|---|---|")
    for name in names:
        own, rows = gains(name)
        latency = rows[0]["report"].get("latency_ms")
        print(f"| {name} | {f'{latency:.0f} ms' if latency else '–'} | {statistics.mean(own):.1f} dB | "
              f"{statistics.mean(own) - statistics.mean(reference):+.1f} dB | {statistics.mean(row['seconds'] for row in rows) / LENGTH_S:.3f} |")


if __name__ == "__main__":
    main()
