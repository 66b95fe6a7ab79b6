"""Which files there are to work on."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from faceveil.batch.store import is_url, listing, place_of
from faceveil.errors import UsageError
from faceveil.options import Options


@dataclass(frozen=True, slots=True)
class Job:
    """A file to work on. Small, because there may be a million.

    Attributes:
        root: the folder that was given, or the one of the file that was; or its URL.
        name: where the file lies below it, with forward slashes.
    """

    root: str
    name: str

    @classmethod
    def of(cls, path: Path) -> Job:
        """The job for a file that was named itself."""
        return cls(str(path.parent), path.name)

    @property
    def path(self) -> Path:
        """The file, on this machine.

        Raises:
            UsageError: it is on another.
        """
        if is_url(self.root):
            raise UsageError(f"{self} is not on this machine", "copy it here first")
        return Path(self.root, self.name)

    @property
    def folder(self) -> PurePosixPath:
        """The folder below the output folder that mirrors where the file was found."""
        return PurePosixPath(self.name).parent

    def __str__(self) -> str:
        return f"{self.root}/{self.name}" if is_url(self.root) else str(Path(self.root, self.name))


def find_jobs(
    inputs: Sequence[Path | str],
    options: Options,
    *,
    apart: Collection[Path] = (),
    outputs: bool = False,
) -> list[Job]:
    """The files behind the inputs: each file itself, and all below each folder, in order.

    Passed over below a folder: hidden files and links unless ``options`` ask for them, what its
    globs leave out, and what FaceVeil wrote itself.

    Args:
        apart: files and folders that are outputs of this run, and never inputs.
        outputs: take FaceVeil's own outputs, too.

    Raises:
        UsageError: nothing is there to work on.
    """
    jobs: list[Job] = []
    for given in inputs:
        if is_url(str(given)):
            jobs += _listed(place_of(str(given)).root, options, outputs)
        elif Path(given).is_dir():
            jobs += _walk(Path(given), options, {path.resolve() for path in apart}, outputs)
        else:
            jobs.append(Job.of(Path(given)))
    if not jobs:
        raise UsageError(f"no file in {', '.join(map(str, inputs))}")
    return jobs


def _listed(url: str, options: Options, outputs: bool) -> Iterator[Job]:
    for name in sorted(listing(url)):
        if not name:  # the URL is that of a file
            yield Job(*url.rsplit("/", 1))
        elif _taken(name, options, outputs):
            yield Job(url, name)


def _taken(name: str, options: Options, outputs: bool) -> bool:
    return (outputs or not is_own(PurePosixPath(name).name)) and wanted(name, options)


def wanted(name: str, options: Options) -> bool:
    """Whether a file below a folder, or in an archive, is to be worked on.

    Args:
        name: relative, with forward slashes.
    """
    path = PurePosixPath(name)
    if not options.hidden and any(
        part.startswith(".") or part == "__MACOSX" for part in path.parts
    ):
        return False
    if any(_matches(path, pattern, whole=False) for pattern in options.exclude):
        return False
    return not options.include or any(
        _matches(path, pattern, whole=True) for pattern in options.include
    )


def is_own(name: str) -> bool:
    """Whether FaceVeil made a file of this name: a finished output, or one that was not."""
    path = PurePosixPath(name)
    return path.stem.endswith(".veiled") or (name.startswith(".") and path.suffix == ".part")


def _matches(path: PurePosixPath, pattern: str, *, whole: bool) -> bool:
    pattern = pattern.casefold().rstrip("/")
    if "/" in pattern:
        places = [path] if whole else [path, *path.parents]
        return any(fnmatchcase(str(place).casefold(), pattern) for place in places)
    names = [path.name] if whole else path.parts
    return any(fnmatchcase(name.casefold(), pattern) for name in names)


def _walk(root: Path, options: Options, apart: Collection[Path], outputs: bool) -> Iterator[Job]:
    seen: set[tuple[int, int]] = set()

    def mine(entry: os.DirEntry[str]) -> bool:
        if entry.is_symlink() and not options.links:
            return False
        # Paths are resolved only where the last part is right: that costs as much as the walk.
        return entry.name not in names or Path(entry.path).resolve() not in apart

    names = {path.name for path in apart}
    text = str(root)
    for name in _below(root, "", mine, seen, lambda folder: wanted(folder, _folders(options))):
        if _taken(name, options, outputs):
            yield Job(text, name)


def _folders(options: Options) -> Options:
    """The same filters for folders, which no include has to name."""
    return options.model_copy(update={"include": ()})


def _below(
    folder: Path,
    prefix: str,
    mine: Callable[[os.DirEntry[str]], bool],
    seen: set[tuple[int, int]],
    enter: Callable[[str], bool],
) -> Iterator[str]:
    try:
        state = folder.stat()
        if (state.st_dev, state.st_ino) in seen:  # a link that leads back up
            return
        seen.add((state.st_dev, state.st_ino))
        with os.scandir(folder) as found:
            entries = sorted((entry for entry in found if mine(entry)), key=lambda one: one.name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        if not entry.is_dir() and entry.is_file():
            yield prefix + entry.name
    for entry in entries:
        name = prefix + entry.name
        if entry.is_dir() and enter(name):
            yield from _below(Path(entry.path), name + "/", mine, seen, enter)
