"""SIGINT, SIGTERM and SIGHUP, once and twice, at random times and right before random calls that change a file."""
import signal
import subprocess
import tempfile
import time

import calls
from kills import Measured
from work import Fault, Trial, works

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
# on a machine that does nothing else; a busy one gets more
SOON = 5.0


def run(trial, each, moments, sent, can_watch):
    """Gives the moment, the exit status, what was said, and the seconds from the first signal to the end."""
    with tempfile.TemporaryFile("w+") as text:
        options = {"stdout": subprocess.DEVNULL, "stderr": text, "env": trial.work.environment(trial.out)}
        if can_watch and each.calls and moments.random() < 0.5:
            place, seen, times = moments.randrange(len(each.calls)), [], []

            def react(call):
                seen.append(call)
                if len(seen) == place + 1:
                    times.append(time.monotonic())
                    watched.process.send_signal(sent[0])
                elif len(seen) == place + 2 and len(sent) > 1:
                    watched.process.send_signal(sent[1])

            watched = calls.Watched(trial.command(), calls.CHANGES, react, below=trial.out, **options)
            status, moment = watched.wait(60), f"call {place}, {each.calls[place]}"
            took = time.monotonic() - times[0] if times else 0.0
        else:
            seconds = moments.uniform(0, 0.9) * each.seconds
            process = subprocess.Popen(trial.command(), **options)
            time.sleep(seconds)
            started = time.monotonic()
            for number in sent:
                process.send_signal(number)
                time.sleep(0.005)
            try:
                status = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Fault("still running after 60 s") from None
            took, moment = time.monotonic() - started, f"{seconds:.2f} s"
        text.seek(0)
        return moment, status, text.read(), took


def check(base, folder, count, moments, report):
    can_watch = calls.is_available()
    measured = [Measured(base, work, folder / "trial", can_watch) for work in works(base)]
    for number in range(count):
        each = measured[number % len(measured)]
        sent = [moments.choice(list(SIGNALS)) for _ in range(1 + number // len(measured) % 2)]
        names = " and ".join(signal.Signals(one).name for one in sent)
        with report.trial(f"signal {number + 1}: {names}, {each.work.name}") as trial_report:
            trial = Trial(base, each.work, folder / "trial", moments.random() < 0.4)
            moment, status, said, took = run(trial, each, moments, sent, can_watch)
            trial_report.words = f"at {moment}: status {status} after {took:.1f} s, {said.strip()[-150:]!r}"
            # before the program catches them, the system ends it
            allowed = {0, *(128 + one for one in sent), *(-one for one in sent)}
            if status not in allowed:
                raise Fault(f"status {status} at {moment}: {said}")
            if "panicked" in said or (said.strip() and status and not any(SIGNALS[one] in said for one in sent)):
                raise Fault(f"status {status} at {moment}, and it says: {said}")
            if took > SOON:
                report.note(f"took {took:.1f} s to stop")
                report.slowest = max(report.slowest, took)
            if status >= 0:
                trial.check_nothing_left()
            trial.check_next_run(each.expected)
