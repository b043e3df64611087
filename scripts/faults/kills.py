"""SIGKILL at random moments: at a random time, or right before a random call that changes a file."""
import os
import signal
import subprocess
import time

import calls
from work import Fault, Trial, expected_files, works


class Measured:
    """A command, what an undisturbed run of it ends with, how long it takes and how often it changes files."""

    def __init__(self, base, work, folder, can_watch):
        self.work, self.calls = work, []
        self.expected = expected_files(base, work, folder)
        trial = Trial(base, work, folder, again=False)
        if can_watch:
            run = calls.Watched(trial.command(), calls.CHANGES, lambda call: self.calls.append(call.name), below=trial.out, **quiet(trial))
            if run.wait(300):
                raise Fault(f"{work.name} fails when it is watched")
            trial = Trial(base, work, folder, again=False)
        started = time.monotonic()
        subprocess.run(trial.command(), **quiet(trial), timeout=300, check=True)
        self.seconds = time.monotonic() - started


def quiet(trial):
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": trial.work.environment(trial.out)}


def run_until_killed(trial, measured, moments, can_watch):
    """Gives words for the moment and the exit status."""
    if can_watch and measured.calls and moments.random() < 0.5:
        place = moments.randrange(len(measured.calls))
        seen = []

        def react(call):
            seen.append(call)
            if len(seen) > place:
                os.kill(call.pid, signal.SIGKILL)

        run = calls.Watched(trial.command(), calls.CHANGES, react, below=trial.out, **quiet(trial))
        status = run.wait(300)
        return f"before call {place}, {seen[place].name if place < len(seen) else 'never made'}", status
    moment = moments.uniform(0, 1.1) * measured.seconds
    process = subprocess.Popen(trial.command(), **quiet(trial))
    try:
        return "at its end", process.wait(moment)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"after {moment:.2f} s", process.wait()


def check(base, folder, count, moments, report):
    """Kills runs of all commands, `count` in all."""
    can_watch = calls.is_available()
    if not can_watch:
        report.skip("system calls cannot be watched here, so kills come at random times only")
    measured = [Measured(base, work, folder / "trial", can_watch) for work in works(base)]
    kills = 0
    while kills < count:
        each = measured[kills % len(measured)]
        again = moments.random() < 0.4
        words = []
        with report.trial(f"kill {kills + 1}: {each.work.name}{' over earlier outputs' if again else ''}") as trial_report:
            trial = Trial(base, each.work, folder / "trial", again)
            # now and then the next run is killed as well
            for _ in range(1 + (moments.random() < 0.25)):
                word, status = run_until_killed(trial, each, moments, can_watch)
                words.append(word)
                if status not in (0, -signal.SIGKILL):
                    raise Fault(f"killed {word}, it ended with status {status}")
                kills += status != 0
                trial.check_files()
            trial.check_next_run(each.expected)
            trial_report.words = ", ".join(words)
