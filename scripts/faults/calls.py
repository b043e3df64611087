"""Runs a program under the eyes of its caller: every system call that changes files below a folder is reported before it is
carried out, and may be made to fail.

Works by seccomp's user notifications (Linux 5.5, x86-64 and ARM64), without root, for every thread and for programs that do
not go through the C library. Run as a program it is the other half: it installs the filter, hands it over, and becomes the
program to be watched.
"""
import array
import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import subprocess
import sys
import threading

# numbers on x86-64 and on ARM64, which lacks the older forms; then where the path or descriptor is
TABLE = {
    "open": (2, None, "path"), "openat": (257, 56, "at"), "creat": (85, None, "path"),
    "write": (1, 64, "fd"), "writev": (20, 66, "fd"), "pwrite64": (18, 68, "fd"), "fallocate": (285, 47, "fd"),
    "ftruncate": (77, 46, "fd"), "fsync": (74, 82, "fd"), "fdatasync": (75, 83, "fd"), "flock": (73, 32, "fd"),
    "copy_file_range": (326, 285, "third"),
    "rename": (82, None, "second path"), "renameat": (264, 38, "second at"), "renameat2": (316, 276, "second at"),
    "link": (86, None, "second path"), "linkat": (265, 37, "second at"),
    "mkdir": (83, None, "path"), "mkdirat": (258, 34, "at"),
    "unlink": (87, None, "path"), "unlinkat": (263, 35, "at"), "rmdir": (84, None, "path"),
    "read": (0, 63, "fd"), "pread64": (17, 67, "fd"), "readv": (19, 65, "fd"), "preadv": (295, 69, "fd"),
    "socket": (41, 198, "none"), "connect": (42, 203, "none"), "bind": (49, 200, "none"),
}
READS = ("read", "pread64", "readv", "preadv")
NETWORK = ("socket", "connect", "bind")
CHANGES = tuple(name for name in TABLE if name not in READS + NETWORK)
# what a full disk refuses; files can still be renamed and removed on it
GROWS = ("open", "openat", "creat", "write", "writev", "pwrite64", "fallocate", "copy_file_range", "mkdir", "mkdirat")

COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine())
SECCOMP = {"x86_64": 317, "aarch64": 277}.get(platform.machine())
RECEIVE, ANSWER = 0xC0502100, 0xC0182101
CREATE = os.O_CREAT | os.O_TRUNC
WRITABLE = os.O_WRONLY | os.O_RDWR


class Call:
    """A system call that is about to be carried out."""

    def __init__(self, name, path, pid):
        self.name, self.path, self.pid = name, path, pid

    def __repr__(self):
        return f"{self.name} {self.path}"


def is_available():
    """Whether calls can be watched here."""
    if sys.platform != "linux" or SECCOMP is None:
        return False
    try:
        return Watched(["/bin/true"], (), lambda call: None).wait(20) == 0
    except OSError:
        return False


class Watched:
    """A running program. `react` gets every call of those `names` that concerns a file below `below` (or every one, for
    None), in the order of arrival and from one thread, and returns None, to have it carried out, or a number of errno."""

    def __init__(self, command, names, react, below=None, **options):
        self.react, self.below, self.count = react, below and os.path.realpath(below), 0
        here, there = socket.socketpair()
        numbers = [TABLE[name][COLUMN] for name in names if TABLE[name][COLUMN] is not None]
        self.names = {TABLE[name][COLUMN]: name for name in names}
        launcher = [sys.executable, "-S", "-E", __file__, str(there.fileno()), ",".join(map(str, numbers))]
        with here:
            with there:
                self.process = subprocess.Popen(launcher + list(command), pass_fds=[there.fileno()], **options)
            here.settimeout(30)
            _, descriptors, _, _ = socket.recv_fds(here, 1, 1)
        if not descriptors:
            self.process.kill()
            self.process.wait()
            raise OSError(errno.ENOSYS, "system calls cannot be watched here")
        self.listener = descriptors[0]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def wait(self, timeout=None):
        """The exit status, negative for a signal. Raises TimeoutExpired after `timeout` seconds, having killed it."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.thread.join(10)
        return status

    def _serve(self):
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        try:
            while True:
                events = poll.poll(1000)
                if not events and self.process.poll() is not None:
                    return
                if events and not events[0][1] & select.POLLIN:
                    return
                if events:
                    self._answer()
        finally:
            os.close(self.listener)

    def _answer(self):
        notice = bytearray(80)
        try:
            fcntl.ioctl(self.listener, RECEIVE, notice)
        except OSError:
            return  # killed in between
        identity, pid, _, number, _, _ = struct.unpack_from("<QIIiIQ", notice)
        arguments = struct.unpack_from("<6Q", notice, 32)
        failure = None
        try:
            call = self._call(pid, number, arguments)
            if call:
                self.count += 1
                failure = self.react(call)
        except OSError:
            pass  # gone meanwhile
        answer = struct.pack("<QqiI", identity, 0, -failure if failure else 0, 0 if failure else 1)
        try:
            fcntl.ioctl(self.listener, ANSWER, bytearray(answer))
        except OSError:
            pass

    def _call(self, pid, number, arguments):
        name = self.names[number]
        if self.below is None:
            return Call(name, None, pid)
        if name in ("open", "openat") and not (arguments[1 if name == "open" else 2] & (CREATE | WRITABLE)):
            return None
        path = self._path(pid, TABLE[name][2], arguments)
        if path is None or not (path + "/").startswith(self.below + "/"):
            return None
        return Call(name, path, pid)

    def _path(self, pid, kind, arguments):
        if kind == "fd":
            return descriptor(pid, arguments[0])
        if kind == "third":
            return descriptor(pid, arguments[2])
        if kind.endswith("at"):
            folder, path = arguments[2:4] if kind == "second at" else arguments[:2]
        else:
            folder, path = None, arguments[1 if kind == "second path" else 0]
        path = text(pid, path)
        at = None if folder is None else ctypes.c_int(folder & 0xFFFFFFFF).value
        base = os.readlink(f"/proc/{pid}/cwd") if at is None or at == -100 else descriptor(pid, at)
        # links in folders are followed, one in place of the file is not
        folder, name = os.path.split(os.path.join(base, path))
        return os.path.join(os.path.realpath(folder), name)


def descriptor(pid, number):
    """What an open file is called; None for pipes and the like."""
    path = os.readlink(f"/proc/{pid}/fd/{number & 0xFFFFFFFF}")
    return path.removesuffix(" (deleted)") if path.startswith("/") else None


def text(pid, address):
    """A path in the memory of a process."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        found = b""
        while b"\0" not in found:
            # not beyond the page, the next one may be missing
            found += memory.read(4096 - (address + len(found)) % 4096)
    return os.fsdecode(found.split(b"\0", 1)[0])


def install(numbers):
    """Filters the calling process; the descriptor of the notifications."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps = [(0x20, 0, 0, 0)]  # the call's number
    for place, number in enumerate(numbers):
        steps.append((0x15, len(numbers) - place, 0, number))
    steps += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x7FC00000)]  # allow, notify
    program = array.array("B", b"".join(struct.pack("<HBBI", *step) for step in steps))
    address, _ = program.buffer_info()
    header = struct.pack("<HxxxxxxQ", len(steps), address)
    buffer = ctypes.create_string_buffer(header)
    no_new_privileges = 38
    if libc.prctl(no_new_privileges, 1, 0, 0, 0):
        return None
    listener = libc.syscall(SECCOMP, 1, 8, ctypes.byref(buffer))
    return listener if listener >= 0 else None


def main():
    place, numbers, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    with socket.socket(fileno=place) as there:
        listener = install([int(number) for number in numbers.split(",") if number])
        socket.send_fds(there, [b"x"], [] if listener is None else [listener])
    if listener is not None:
        os.close(listener)
        os.execvp(command[0], command)


if __name__ == "__main__":
    main()
