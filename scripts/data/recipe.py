"""What a clip is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """A file to make: its path in the result, its package, the package's files it needs, and how to make its bytes."""

    path: str
    package: str
    sources: tuple[str, ...]
    make: Callable[[list[Path]], bytes]

    @property
    def folder(self):
        """The folder that one attribution covers."""
        parent = Path(self.path).parent
        return str(parent.parent if parent.name in ("train", "test") else parent)
