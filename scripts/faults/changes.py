"""Files and folders that change while they are in use: an input is cut, replaced, removed or overwritten at a random read of
it, and the folder of the outputs is removed or renamed at a random call that changes it."""
import os
import shutil
import subprocess
import tempfile

import calls
from failures import check_end
from kills import Measured
from work import RATE, Base, Fault, Trial, tone, put_wav, works


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def replace(path):
    other = path.with_name("other")
    put_wav(other, tone(700, 1))
    other.rename(path)


def remove(path):
    path.unlink()


def overwrite(path):
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)


def grow(path):
    with path.open("ab") as file:
        file.write(b"\0" * 100_000)


INPUTS = [cut, empty, replace, remove, overwrite, grow]


def watched(trial, names, react, below):
    with tempfile.TemporaryFile("w+") as text:
        options = {"stdout": subprocess.DEVNULL, "stderr": text, "env": trial.work.environment(trial.out)}
        status = calls.Watched(trial.command(), names, react, below=below, **options).wait(120)
        text.seek(0)
        return status, text.read()


def change_input(base, folder, work, path, moments, trial_report):
    """One run, while one of its inputs changes."""
    kept = path.read_bytes()
    trial = Trial(base, work, folder / "trial", False)
    reads = []
    watched(trial, calls.READS, lambda call: reads.append(call), path)
    trial = Trial(base, work, folder / "trial", False)
    if not reads:
        raise Fault(f"{path} is not read")
    place, change, seen = moments.randrange(len(reads) + 1), moments.choice(INPUTS), []

    def react(call):
        seen.append(call)
        if len(seen) == place + 1:
            change(path)

    try:
        status, said = watched(trial, calls.READS, react, path)
        trial_report.words = f"{change.__name__} {path.name} at read {place} of {len(reads)}: status {status}, {said.strip()[-200:]!r}"
        if change in (cut, overwrite, grow, empty) and path.suffix == ".wav":
            trial.frames = None  # what is read is what there was at the time
        check_end(trial, status, said)
        # read to its end it may have been, cut it was before that
        if not status and change is cut and place < len(reads) // 2 and path.suffix == ".wav" and not said:
            raise Fault("half of the sound is gone, and nothing is said")
        if status:
            trial.check_nothing_left()
    finally:
        path.write_bytes(kept)


def change_folder(base, folder, each, moments, trial_report):
    """One run, while the folder it writes into goes away."""
    trial = Trial(base, each.work, folder / "trial", False)
    place, seen, away = moments.randrange(len(each.calls)), [], moments.random() < 0.5

    def react(call):
        seen.append(call)
        if len(seen) == place + 1:
            if away:
                trial.out.rename(folder / "trial" / "away")
            else:
                shutil.rmtree(trial.out)

    status, said = watched(trial, calls.CHANGES, react, trial.out)
    trial_report.words = f"{'renamed' if away else 'removed'} at call {place} of {len(each.calls)}: status {status}, {said.strip()[-200:]!r}"
    if away and not trial.out.exists():
        (folder / "trial" / "away").rename(trial.out)
    shutil.rmtree(folder / "trial" / "away", ignore_errors=True)
    trial.out.mkdir(exist_ok=True)
    trial.before = {}
    if status:
        check_end(trial, status, said)


def check(base, folder, count, moments, report):
    if not calls.is_available():
        report.skip("system calls cannot be watched here, so nothing is changed under a run")
        return
    # long enough to be read piece by piece
    changing = Base(base.program, folder / "changing")
    put_wav(changing["mixture.wav"], [a + b for a, b in zip(tone(230, 60), tone(1900, 60))])
    for name, low in (("low true.wav", 230), ("high true.wav", 1900)):
        put_wav(changing[name], tone(low, 60))
    all_works = works(changing)
    measured = [Measured(changing, work, folder / "trial", True) for work in all_works if work.products]
    inputs = [
        ("train", "low.wav"),
        ("join", "low.safetensors"),
        ("merge", "high.safetensors"),
        ("separate", "mixture.wav"),
        ("separate", "high.safetensors"),
        ("separate --joint --bits 16", "mixture.wav"),
        ("separate --joint --bits 16", "both.safetensors"),
        ("evaluate", "high true.wav"),
        ("evaluate", "mixture.wav"),
    ]
    for number in range(count):
        if number % 3 == 2:
            each = measured[number // 3 % len(measured)]
            with report.trial(f"change {number + 1}: {each.work.name}, its output folder") as trial_report:
                change_folder(changing, folder, each, moments, trial_report)
        else:
            name, file = inputs[(number - number // 3) % len(inputs)]
            work = next(work for work in all_works if work.name == name)
            with report.trial(f"change {number + 1}: {name}, {file}") as trial_report:
                change_input(changing, folder, work, changing[file], moments, trial_report)
    shutil.rmtree(changing.folder)
