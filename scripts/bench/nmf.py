#!/usr/bin/env python3
"""KL-NMF by nae, scikit-learn and torchnmf: same spectrum, same start, same number of updates, one run, interleaved.

usage: scripts/bench/nmf.py [--repeat 5] [--updates 100]
Needs numpy, scikit-learn and safetensors (a virtual environment outside the checkout), and cargo; torch and torchnmf if they
are to be compared too.
Prints final divergences (mean over bins), their difference in per cent, and median seconds with the ratio.
"""
import argparse, json, os, statistics, subprocess, tempfile, time, warnings, wave

import numpy as np
from safetensors.numpy import save_file
from sklearn.decomposition import NMF

try:
    import torch, torchnmf.nmf
except ImportError:
    torch = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def spectrum():
    """Magnitudes of one committed voice, 513 bins, periodic root-Hann frames of 1024 every 256."""
    folder = os.path.join(ROOT, "data/speech/allison_en_f/train")
    parts = []
    for name in sorted(os.listdir(folder)):
        with wave.open(os.path.join(folder, name)) as file:
            parts.append(np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768)
    samples = np.concatenate(parts)
    window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::256] * window
    magnitude = np.abs(np.fft.rfft(frames, axis=1)).T.astype(np.float32) / samples.std() + 1e-6
    return np.ascontiguousarray(magnitude)  # safetensors writes the memory as it lies


def divergence(x, y):
    x, y = x.astype(np.float64), np.maximum(y.astype(np.float64), 1e-10)
    return float(np.mean(x * np.log(x / y) - x + y))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--updates", type=int, default=100)
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--workspace", "--examples", "-q"], cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    factorise = os.path.join(target, "release/examples/factorise")
    warnings.filterwarnings("ignore")
    x = spectrum()
    print(f"{x.shape[0]} bins, {x.shape[1]} frames, {options.updates} updates, {options.repeat} interleaved runs after a warm-up")
    for rank in (20, 100):
        rng = np.random.default_rng(rank)
        scale = np.sqrt(x.mean() / rank)
        w = (scale * rng.uniform(0.02, 2, (x.shape[0], rank))).astype(np.float32)
        h = (scale * rng.uniform(0.02, 2, (rank, x.shape[1]))).astype(np.float32)

        def ours():
            with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
                save_file({"x": x, "w": w, "h": h}, file.name)
                return json.loads(subprocess.run([factorise, file.name, str(options.updates)], capture_output=True, text=True, check=True).stdout)

        def theirs(updates=options.updates):
            model = NMF(rank, init="custom", solver="mu", beta_loss="kullback-leibler", tol=0, max_iter=updates)
            started = time.perf_counter()
            found = model.fit_transform(x, W=w.copy(), H=h.copy())
            return {"seconds": time.perf_counter() - started, "divergence": divergence(x, found @ model.components_)}

        def torch_s(updates=options.updates):
            v = torch.from_numpy(x.T.copy())
            model = torchnmf.nmf.NMF(W=torch.from_numpy(w.copy()), H=torch.from_numpy(h.T.copy()))
            started = time.perf_counter()
            model.fit(v, beta=1, tol=0, max_iter=updates)
            seconds = time.perf_counter() - started
            return {"seconds": seconds, "divergence": divergence(x.T, model().detach().numpy())}

        sides = {"nae": ours, "scikit-learn": theirs} | ({"torchnmf": torch_s} if torch else {})
        for side in list(sides)[1:]:
            sides[side](10)
        runs = {name: [] for name in sides}
        for _ in range(options.repeat):
            for name, side in sides.items():
                runs[name].append(side())
        seconds = {name: statistics.median(run["seconds"] for run in found) for name, found in runs.items()}
        a = runs["nae"][0]["divergence"]
        for name, found in runs.items():
            b = found[0]["divergence"]
            print(f"rank {rank:3}: {name:12} divergence {b:.6f} (nae {100 * (a / b - 1):+.3f} %), {seconds[name]:.3f} s, "
                  f"{seconds[name] / seconds['nae']:.2f} times as long as nae", flush=True)


if __name__ == "__main__":
    main()
