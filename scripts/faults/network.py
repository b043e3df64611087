"""No network at run time: no command asks the system for a socket."""
import subprocess

import calls
from work import ROOT, Fault, Trial, works


def check(base, folder, report):
    if not calls.is_available():
        report.skip("system calls cannot be watched here, so nobody looks for sockets")
        return
    commands = [(work.name, Trial(base, work, folder / "trial", False).command()) for work in works(base)]
    commands += [(" ".join(more), [base.program, *more]) for more in (["settings"], ["completions", "bash"], ["--version"])]
    commands.append(("demo", [base.program, "demo", "--out", str(folder / "demo"), "--device", "cpu", "-q"]))
    for name, command in commands:
        with report.trial(f"network: {name}"):
            for work in works(base):
                if work.name == name:
                    Trial(base, work, folder / "trial", False)
            asked = []
            run = calls.Watched(command, calls.NETWORK, asked.append, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            status = run.wait(300)
            if status or asked:
                raise Fault(f"status {status}, calls: {asked}")
