"""Calls that fail: a full or failing disk, a folder that may not be written any more, at a random call; and real full disks."""
import errno
import shutil
import subprocess
import tempfile
from pathlib import Path

import calls
from kills import Measured
from work import Fault, Trial, works

KINDS = [
    ("disk full from then on", errno.ENOSPC, calls.GROWS, True),
    ("quota exceeded from then on", errno.EDQUOT, calls.GROWS, True),
    ("no space for one call", errno.ENOSPC, calls.GROWS, False),
    ("one call fails", errno.EIO, calls.CHANGES, False),
    ("read-only from then on", errno.EROFS, calls.CHANGES, True),
    ("permission taken away from then on", errno.EACCES, tuple(set(calls.CHANGES) - {"write", "writev", "fsync", "ftruncate"}), True),
]


def check_end(trial, status, said, is_readable=True):
    """A run that met a fault: it says so, or all that was asked for is there and whole."""
    if "panicked" in said:
        raise Fault(f"panic: {said}")
    if status < 0 or status > 1:
        raise Fault(f"status {status}: {said}")
    if status and not said.strip().startswith("nae: ") and "nae: " not in said:
        raise Fault(f"no sentence, status {status}: {said!r}")
    if not status:
        for product in trial.work.products:
            if product != "cache" and not (trial.out / product).exists():
                raise Fault(f"status 0 without {product}: {said}")
    if is_readable:
        trial.check_files()


def inject(base, folder, each, moments, trial_report):
    """One run in which a random call fails."""
    words, number, names, stays = moments.choice(KINDS)
    # a sweep makes fewer calls than that where its outputs are there already
    eligible = [place for place, name in enumerate(each.calls) if name in names and place < 0.8 * len(each.calls)]
    place = moments.choice(eligible)
    again = moments.random() < 0.4 and each.work.name != "sweep run"
    trial = Trial(base, each.work, folder / "trial", again)
    seen, failed = [], []

    def react(call):
        seen.append(call)
        if call.name in names and len(seen) > place and (stays or not failed):
            failed.append(call)
            return number
        return None

    with tempfile.TemporaryFile("w+") as text:
        run = calls.Watched(
            trial.command(), calls.CHANGES, react, below=trial.out, stdout=subprocess.DEVNULL, stderr=text, env=trial.work.environment(trial.out)
        )
        status = run.wait(120)
        text.seek(0)
        said = text.read()
    trial_report.words = f"{words}, at {failed[0].name if failed else 'none'} ({place}): status {status}, {said.strip()[-150:]!r}"
    check_end(trial, status, said)
    could_clean = not any(call.name in ("unlink", "unlinkat", "rmdir") for call in failed)
    if could_clean:
        trial.check_nothing_left()
    trial.check_next_run(each.expected)


def small_disk(base, folder, each, moments, trial_report):
    """One run on a disk that is too small."""
    trial = Trial(base, each.work, folder / "trial", False)
    reference = sum(path.stat().st_size for path in trial.out.rglob("*") if path.is_file())
    trial.undisturbed()
    needed = sum(path.stat().st_size for path in trial.out.rglob("*") if path.is_file())
    size = reference + round(moments.uniform(0, 1.1) * (needed - reference)) + 4096 * moments.randrange(1, 20)
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={-(-size // 4096) * 4096}", "tmpfs", disk], check=True)
    try:
        try:
            trial = Trial(base, each.work, disk / "trial", False)
        except (OSError, shutil.Error):
            trial_report.words = "too small to begin"
            return
        done = subprocess.run(trial.command(), capture_output=True, text=True, timeout=120, env=trial.work.environment(trial.out))
        trial_report.words = f"disk of {size} bytes: status {done.returncode}, {done.stderr.strip()[-150:]!r}"
        check_end(trial, done.returncode, done.stderr)
        if done.returncode:
            trial.check_nothing_left()
        subprocess.run(["mount", "-o", "remount,size=1g", disk], check=True)
        trial.check_next_run(each.expected)
    finally:
        subprocess.run(["umount", disk], check=True)


def can_mount(folder):
    disk = Path(folder) / "disk"
    disk.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode == 0
    return mounted and subprocess.run(["umount", disk]).returncode == 0


def check(base, folder, count, moments, report):
    """`count` failures over all commands: three of four injected, the others real."""
    can_watch, mounts = calls.is_available(), can_mount(folder)
    if not mounts:
        report.skip("no tmpfs can be mounted without root, so there is no disk that is really full")
    if not can_watch:
        report.skip("system calls cannot be watched here, so none is made to fail")
    if not (can_watch or mounts):
        return
    measured = [Measured(base, work, folder / "trial", can_watch) for work in works(base)]
    # evaluation writes no file
    measured = [each for each in measured if each.work.products]
    for number in range(count):
        each = measured[number % len(measured)]
        is_real = mounts and (number % 4 == 3 or not can_watch)
        with report.trial(f"failure {number + 1}: {each.work.name}") as trial_report:
            (small_disk if is_real else inject)(base, folder, each, moments, trial_report)
    for device in ("/dev/full",):
        with report.trial("failure: scores that go to a full disk"), open(device, "w") as full:
            evaluate = next(work for work in works(base) if work.name == "evaluate")
            done = subprocess.run(evaluate.command(base, folder), stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
            if done.returncode != 1 or "panicked" in done.stderr:
                raise Fault(f"status {done.returncode}: {done.stderr}")
