"""Debian packages: downloaded by name, compared with their sums, and only the files that are needed taken out."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path


class Trouble(Exception):
    """Something the user can do something about."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    sha256: str
    authors: str
    licence: str
    link: str

    @property
    def copyright(self):
        """Where the package's own statement lies inside it."""
        return f"usr/share/doc/{self.name}/copyright"


def known():
    """All packages of packages.toml by name."""
    with open(Path(__file__).with_name("packages.toml"), "rb") as file:
        return {name: Package(name, **fields) for name, fields in tomllib.load(file).items()}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def obtain(package, cache, given):
    """The package's .deb file, with the right sum: from the cache, from the folder `given`, or from the Debian archive."""
    kept = cache / f"{package.name}.deb"
    if kept.exists() and sha256(kept) == package.sha256:
        return kept
    if given:
        for candidate in sorted(given.glob(f"{package.name}_*.deb")):
            if sha256(candidate) == package.sha256:
                return candidate
        raise Trouble(f"{given} holds no {package.name}_*.deb of version {package.version} with the sum in scripts/data/packages.toml")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="download-") as folder:
        download(package, folder)
        downloaded = next(Path(folder).glob("*.deb"))
        found = sha256(downloaded)
        if found != package.sha256:
            raise Trouble(f"{downloaded.name} has the SHA-256 {found} where {package.sha256} is expected; it was thrown away")
        os.replace(downloaded, kept)
    return kept


def download(package, folder):
    if not shutil.which("apt-get"):
        raise Trouble(
            f"apt-get is not here to download {package.name} {package.version}; on other systems than Debian 12, get the .deb "
            "files of scripts/data/packages.toml yourself and give their folder with --debs"
        )
    command = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", f"{package.name}={package.version}"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Trouble(
            f"apt-get cannot download {package.name} {package.version}. Its package lists may be missing or old (run `apt-get update` "
            f"as root), or this is not Debian 12 (then see --debs). It said:\n{done.stderr.strip()}"
        )


def unpack(package, deb, wanted, folder):
    """Takes the wanted files and the package's copyright file out of it; returns the folder they lie in."""
    target = folder / package.name
    missing = {path for path in {*wanted, package.copyright} if not (target / path).exists()}
    if not missing:
        return target
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as reader:
        with tarfile.open(fileobj=reader.stdout, mode="r|") as archive:
            for member in archive:
                path = member.name.removeprefix("./")
                if path in missing and member.isfile():
                    write(target / path, archive.extractfile(member).read())
                    missing.discard(path)
        while reader.stdout.read(1 << 20):
            pass  # the padding at the end, so that dpkg-deb ends in peace
    if missing:
        raise Trouble(f"{deb} does not hold {', '.join(sorted(missing))}")
    return target


def write(path, data):
    """Makes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)
