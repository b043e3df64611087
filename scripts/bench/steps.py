#!/usr/bin/env python3
"""One step of training and of separation: nae, the same loop written by hand, PyTorch eager and compiled, on the same arrays.

usage: scripts/bench/steps.py [--repeat 5] [--form softplus|default] [--cases train-2-20-1563,...] [--device cpu|gpu] [--before PROGRAM]
Needs numpy, torch and safetensors (a virtual environment outside the checkout), and cargo.

Full-batch steps with Adam at 513 bins: training of a shallow model of rank 20 and 100 and of a 4-layer model of rank 100 on
1563 frames (25 s) and on 128 (a mini-batch); separation of two sources, 625 frames (10 s). `softplus` is the paper's form (all
softplus, p = 3), `default` ours (ReLU, last layer linear with non-negative weights). All sides start from the same numbers;
their last losses are printed to show that they do the same (nae and by hand work out the value in every fifth step only,
where it is read, and gradients in all). Sides take turns, in processes that stay or are started anew; a side's
figure is the median over the turns of its median step without the first fifth of its steps.

--device gpu: nae on the GPU that wgpu finds (built with `--features gpu`), beside PyTorch on CUDA where there is that, and the
seconds that nae takes before its first steps are done (shaders, tuning).

--before PROGRAM: nothing but nae of today beside the example `steps` of another build, in turns (a copy of its
target/release/examples/steps); PyTorch need not be there.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

import numpy as np
from safetensors.numpy import save_file

try:
    import torch
except ImportError:  # --before needs none
    torch = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINS, EPS, WINDOW, P = 513, 1.19e-7, 5, 3.0
CASES = ("train-2-20-1563,train-2-100-1563,train-4-100-1563,train-2-20-128,train-2-100-128,train-4-100-128,"
         "separate-2-20-625,separate-2-100-625,separate-4-100-625")


def arrays(kind, layers, rank, frames, form):
    rng = np.random.default_rng(1)
    half = layers // 2
    sizes = [BINS] + [rank] * half + [rank] * (layers - 1 - half) + [BINS]

    def weights():
        return [rng.uniform(-1, 1, (o, i)).astype(np.float32) * np.float32(np.sqrt(6 / (i + o))) for i, o in zip(sizes, sizes[1:])]

    result = {"x": rng.gamma(0.5, 1, (BINS, frames)).astype(np.float32)}
    for name in "ab" if kind == "separate" else "a":
        model = weights()
        result |= {f"{name}{i}": w for i, w in enumerate(model)}
        if kind == "separate":  # the start: what the encoder reads
            h = result["x"]
            for w in model[:half]:
                h = w @ h
                h = np.logaddexp(0, P * h) / P if form == "softplus" else np.maximum(h, 0)
            h = np.maximum(h, 1e-2)
            result["z" + name] = (h + np.log(-np.expm1(-h))).astype(np.float32)
    return result, half


def hidden(x, form):
    return torch.nn.functional.softplus(x, P) if form == "softplus" else torch.relu(x)


def decode(weights, h, form):
    for w in weights[:-1]:
        h = hidden(w @ h, form)
    return torch.nn.functional.softplus(weights[-1] @ h, P) if form == "softplus" else weights[-1].abs() @ h


def divergence(x, y):
    return (x * (torch.log(x + EPS) - torch.log(y + EPS)) - x + y).mean()


def wait(device):
    if device != "cpu":
        torch.cuda.synchronize()


def pytorch(kind, data, half, form, steps, compiled, device="cpu"):
    x = torch.from_numpy(data["x"]).to(device)
    models = {name: [torch.from_numpy(data[key].copy()).to(device) for key in sorted(data) if key[0] == name] for name in "ab"}
    if kind == "train":
        parameters = [w.requires_grad_() for w in models["a"]]

        def objective():
            h = x
            for w in parameters[:half]:
                h = hidden(w @ h, form)
            return divergence(x, decode(parameters[half:], h, form))

        optimizer = torch.optim.Adam(parameters, lr=1e-3)
    else:
        parameters = [torch.from_numpy(data["z" + name].copy()).to(device).requires_grad_() for name in "ab"]

        def objective():
            return divergence(x, sum(decode(models[name][half:], torch.nn.functional.softplus(z), form) for name, z in zip("ab", parameters)))

        optimizer = torch.optim.Adam(parameters, lr=0.5)
    if compiled:
        objective = torch.compile(objective)
    windows, losses = [], []
    for step in range(steps):
        if step % WINDOW == 0:
            wait(device)
            started = time.perf_counter()
        optimizer.zero_grad()
        loss = objective()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if step % WINDOW == WINDOW - 1:
            wait(device)
            windows.append((time.perf_counter() - started) / WINDOW)
    return {"ms": 1e3 * statistics.median(windows[len(windows) // 5:]), "loss": float(losses[-1])}


def against(before, program, options):
    """A table of nae today beside nae of another build."""
    print(f"{os.cpu_count()} cores, form {options.form}, {options.repeat} turns; milliseconds a step, load at the start {os.getloadavg()[0]:.1f}\n")
    print("| case | nae | before | nae / before: median of the turns (range) | same loss |")
    print("|---|---|---|---|---|")
    outputs = ["softplus", "softplus"] if options.form == "softplus" else ["relu", "linear"]
    for case in options.cases.split(","):
        kind, layers, rank, frames = case.split("-")
        data, _ = arrays(kind, int(layers), int(rank), int(frames), options.form)
        steps = 60 if int(frames) > 1000 else 40 if kind == "separate" else 200
        turns = []
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            save_file(data, file.name)
            for turn in range(options.repeat + 1):  # the first is not counted
                sides = (program, before) if turn % 2 else (before, program)
                turns.append({side: json.loads(subprocess.check_output([side, kind, file.name, str(steps), *outputs])) for side in sides})
        ratios = [turn[program]["ms"] / turn[before]["ms"] for turn in turns[1:]]
        ms = [statistics.median(turn[side]["ms"] for turn in turns[1:]) for side in (program, before)]
        same = all(turn[program]["loss"] == turn[before]["loss"] for turn in turns)
        print(f"| {case} | {ms[0]:.3f} | {ms[1]:.3f} | {statistics.median(ratios):.3f} ({min(ratios):.2f}–{max(ratios):.2f}) | {'yes' if same else 'no'} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--form", choices=("softplus", "default"), default="softplus")
    parser.add_argument("--cases", default=CASES)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--before", metavar="PROGRAM")
    options = parser.parse_args()
    gpu = options.device == "gpu"
    build = ["-p", "nae-cli", "--features", "gpu"] if gpu else ["--workspace"]
    subprocess.run(["cargo", "build", "--release", *build, "--examples", "-q"], cwd=ROOT, check=True)
    program = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release/examples/steps")
    if options.before:
        return against(os.path.abspath(options.before), program, options)
    if torch is None:
        sys.exit("PyTorch is not there: install torch, or compare with another build by --before")
    torch.manual_seed(0)
    print(f"{os.cpu_count()} cores, torch {torch.__version__} with {torch.get_num_threads()} threads, form {options.form}, "
          f"{options.repeat} turns; milliseconds a step, load at the start {os.getloadavg()[0]:.1f}\n")
    if gpu:
        cuda = torch.cuda.is_available()
        print(f"on the GPU; PyTorch on {torch.cuda.get_device_name() if cuda else 'nothing, it has no CUDA here'}\n")
    print("| case | nae | by hand | PyTorch eager | compiled | nae / eager | nae / by hand | loss nae, by hand, eager | peak MB nae | warm-up nae, s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    outputs = ["softplus", "softplus"] if options.form == "softplus" else ["relu", "linear"]
    for case in options.cases.split(","):
        kind, layers, rank, frames = case.split("-")
        data, half = arrays(kind, int(layers), int(rank), int(frames), options.form)
        steps = 60 if int(frames) > 1000 else 40 if kind == "separate" else 200
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            save_file(data, file.name)

            def ours(side):
                return json.loads(subprocess.run([program, side, file.name, str(steps), *outputs, *(["gpu"] if gpu else [])], capture_output=True, text=True, check=True).stdout)

            if gpu:
                sides = {"nae": lambda: ours(kind)}
                if cuda:
                    sides |= {"eager": lambda: pytorch(kind, data, half, options.form, steps, False, "cuda"),
                              "compiled": lambda: pytorch(kind, data, half, options.form, steps, True, "cuda")}
            else:
                sides = {
                    "nae": lambda: ours(kind),
                    "hand": lambda: ours(kind + "-by-hand"),
                    "eager": lambda: pytorch(kind, data, half, options.form, steps, False),
                    "compiled": lambda: pytorch(kind, data, half, options.form, steps, True),
                }
            found = {name: [] for name in sides}
            for _ in range(options.repeat):
                for name, side in sides.items():
                    try:
                        found[name].append(side())
                    except Exception as error:  # a PyTorch without a C++ compiler cannot compile
                        if name != "compiled":
                            raise
                        print(f"{case}: {name}: {type(error).__name__}", file=sys.stderr)
                    time.sleep(0.3)  # let threads of the side before come to rest
        nan = float("nan")

        def figure(name, key="ms"):
            turns = found.get(name)
            return statistics.median(turn[key] for turn in turns) if turns else nan

        nae, hand, eager = figure("nae"), figure("hand"), figure("eager")
        losses = ", ".join(f"{found[name][-1]['loss']:.5f}" for name in ("nae", "hand", "eager") if name in found)
        print(f"| {case} | {nae:.2f} | {hand:.2f} | {eager:.2f} | {figure('compiled'):.2f} | {nae / eager:.2f} | {nae / hand:.2f} | {losses} | "
              f"{found['nae'][-1]['peak_mb']:.0f} | {figure('nae', 'warm_up_s'):.1f} |", flush=True)


if __name__ == "__main__":
    main()
