"""Wall time of BSS_eval, 512 taps, no permutation, on 2 and 4 sources of 10 s at 16 kHz.

Run by bench.sh. Every implementation scores the same signals (those of golden.py) already in memory,
in the precision it is used in: f32 samples and f64 arithmetic for nae-metrics, f64 for the others. Each
is called once to warm up, then all are called in turn, round after round, so that whatever else the
machine does meets them alike; the medians are printed. Before each call there is a pause, in which the
threads of the one before stop waiting for more work (OpenMP's spin for up to 0.2 s). mir_eval, which
takes seconds, is called in the first rounds only.
"""

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from fast_bss_eval import bss_eval_sources as fast
from mir_eval.separation import bss_eval_sources as mir_eval

import golden

SECONDS, RATE, TAPS = 10, 16000, 512
MIR_EVAL_ROUNDS = 3
PAUSE_SECONDS = 0.4


class Ours:
    """The example binary: a line to its input is one evaluation."""

    def __init__(self, program, references, estimates):
        self.file = tempfile.NamedTemporaryFile()
        np.concatenate([references, estimates]).astype("<f4").tofile(self.file)
        self.file.flush()
        self.process = subprocess.Popen(
            [program, self.file.name, str(len(references)), str(TAPS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def __call__(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        seconds, *scores = self.process.stdout.readline().split()
        return float(seconds), np.array(scores, float).reshape(-1, 3).T

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def timed(function):
    """The same for a function in this process."""

    def call():
        start = time.perf_counter()
        scores = function()
        seconds = time.perf_counter() - start
        return seconds, np.array([np.asarray(score) for score in scores[:3]])

    return call


def implementations(ours, references, estimates):
    result = {
        "nae-metrics": ours,
        "mir_eval": timed(lambda: mir_eval(references, estimates, compute_permutation=False)),
    }

    def add(name, *signals, **options):
        result[name] = timed(lambda: fast(
            *signals, filter_length=TAPS, compute_permutation=False, **options
        ))

    add("fast_bss_eval, numpy", references, estimates)
    add("fast_bss_eval, numpy, 10 CG steps", references, estimates, use_cg_iter=10)
    if importlib.util.find_spec("torch"):
        import torch

        tensors = [torch.from_numpy(signals) for signals in (references, estimates)]
        add("fast_bss_eval, torch", *tensors)
        add("fast_bss_eval, torch, 10 CG steps", *tensors, use_cg_iter=10)
    return result


def bench(program, count, rounds):
    sources = []
    for recipe in golden.voices(count):
        sources.append(golden.source(recipe, SECONDS * RATE, sources))
    recipes = golden.separated(count)
    estimates = [golden.estimate(recipe, SECONDS * RATE, sources) for recipe in recipes]
    references, estimates = (np.array(signals) / 32768.0 for signals in (sources, estimates))
    ours = Ours(program, references, estimates)
    calls = implementations(ours, references, estimates)
    scores = {name: call()[1] for name, call in calls.items()}
    seconds = {name: [] for name in calls}
    for turn in range(rounds):
        for name, call in calls.items():
            if name != "mir_eval" or turn < MIR_EVAL_ROUNDS:
                time.sleep(PAUSE_SECONDS)
                seconds[name].append(call()[0])
    ours.close()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"\n{count} sources of {SECONDS} s at {RATE} Hz, {TAPS} taps, {os.cpu_count()} cores\n")
    print(f"{'':34} {'median ms':>10} {'least ms':>10} {'times ours':>11} {'off by, dB':>11}")
    for name, median in medians.items():
        difference = np.max(np.abs(scores[name] - scores["mir_eval"]))
        print(
            f"{name:34} {1e3 * median:10.1f} {1e3 * min(seconds[name]):10.1f} "
            f"{median / medians['nae-metrics']:11.1f} {difference:11.1e}"
        )


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    warnings.simplefilter("ignore")
    for count in (2, 4):
        bench(program, count, rounds)
    print(
        f"\nLoad average over the run: {os.getloadavg()[0]:.1f}."
        " 'off by' is the greatest difference to mir_eval."
    )


if __name__ == "__main__":
    main()
