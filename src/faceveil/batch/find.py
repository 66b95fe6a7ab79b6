"""Find the files to work on."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from faceveil.batch.storage import Stamp, is_url, listing, place_of
from faceveil.errors import FaceVeilError, UnreadableError, UsageError
from faceveil.i18n import listed, reason_of, say
from faceveil.media.advice import READABLE
from faceveil.media.archives.entries import LINK
from faceveil.media.beside import beside_in, is_sidecar, may_be_beside
from faceveil.media.kin import is_made_from_file
from faceveil.media.names import is_marked, originals
from faceveil.options import Options

NO_MEDIA = say("it is a text, neither a picture nor a video")
_UNFINISHED = re.compile(r"\..+\.[a-z0-9_]+\.part")
"""The name that `faceveil.media.part` gives to a file that is being written."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to work on. Small, because there may be a million.

    Attributes:
        root: the folder that was given, or the one of the file that was; or its URL.
        name: the file's path below it, with forward slashes.
    """

    root: str
    name: str

    @classmethod
    def of(cls, path: Path) -> InputFile:
        """The job for a file that was named itself."""
        return cls(str(path.parent), path.name)

    @property
    def path(self) -> Path:
        """The file, on this machine.

        Raises:
            UsageError: it is on another.
        """
        if is_url(self.root):
            raise UsageError(
                say("{place} is not on this machine", place=self), say("copy it here first")
            )
        return Path(self.root, self.name)

    @property
    def folder(self) -> PurePosixPath:
        """The folder below the output folder that mirrors where the file was found."""
        return PurePosixPath(self.name).parent

    def __str__(self) -> str:
        return f"{self.root}/{self.name}" if is_url(self.root) else str(Path(self.root, self.name))


@dataclass(frozen=True, slots=True)
class Passed:
    """A file among the inputs that is skipped; this is no failure.

    Attributes:
        name: where it lies.
        reason: in words; "" for files that accompany pictures, which are many and only counted.
    """

    name: str
    reason: str = ""


@dataclass(slots=True)
class Inputs:
    """The files behind the inputs of a run. Everything else there is named or counted.

    Attributes:
        jobs: the files to work on, in order, each once.
        passed: the files that are skipped.
        failed: folders that cannot be read, and why.
        hidden: how many files and folders were skipped because they are hidden.
        given: how many inputs were named.
        folders: how many of these are folders, or addresses, which may be.
    """

    jobs: list[InputFile] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    failed: list[tuple[InputFile, FaceVeilError]] = field(default_factory=list)
    hidden: int = 0
    given: int = 1
    folders: int = 0


def find_files(
    inputs: Sequence[Path | str],
    options: Options,
    *,
    apart: Collection[Path] = (),
    outputs: bool = False,
) -> list[InputFile]:
    """The files of `find_inputs`, without the skipped ones."""
    return find_inputs(inputs, options, apart=apart, outputs=outputs).jobs


def find_inputs(
    inputs: Sequence[Path | str],
    options: Options,
    *,
    apart: Collection[Path] = (),
    outputs: bool = False,
    made: Mapping[str, Stamp] | None = None,
) -> Inputs:
    """The files behind the inputs: each file itself, and all below each folder, in order.

    Below a folder these are skipped: hidden files and links unless ``options`` ask for them, files
    that the globs leave out, FaceVeil's own output of a file beside it, and files that are no
    picture or video and not expected to be one.

    Args:
        apart: files and folders that are outputs of this run, and never inputs.
        outputs: take FaceVeil's own outputs, too.
        made: outputs that a manifest lists, below each folder: they need no look.

    Raises:
        UsageError: nothing is there to work on.
    """
    found = Inputs(given=len(inputs))
    for given in inputs:
        found.folders += is_url(str(given)) or Path(given).is_dir()
        if is_url(str(given)):
            _list(place_of(str(given)).root, options, outputs, found)
        elif Path(given).is_dir():
            walk = _Walk(Path(given), options, {path.resolve() for path in apart}, outputs, found)
            walk.made = made or {}
            walk()
        else:
            found.jobs.append(InputFile.of(Path(given)))
    found.jobs = _once(found.jobs)
    if not found.jobs and not found.failed:
        raise UsageError(say("no file in {places}", places=listed(map(str, inputs))))
    return found


def _once(jobs: Sequence[InputFile]) -> list[InputFile]:
    """Each file once, however often it was named."""
    places: dict[str, str] = {}
    files: dict[str, InputFile] = {}
    for job in jobs:
        if job.root not in places:
            places[job.root] = job.root if is_url(job.root) else str(Path(job.root).resolve())
        files.setdefault(f"{places[job.root]}/{job.name}", job)
    return list(files.values())


def _list(url: str, options: Options, outputs: bool, found: Inputs) -> None:
    names = sorted(listing(url))
    if names == [""]:  # the URL is that of a file
        found.jobs.append(InputFile(*url.rsplit("/", 1)))
        return
    place, known = place_of(url), set(names)
    for name in names:
        if not wanted(name, options):
            found.hidden += _is_hidden(name) and wanted(name, _shown(options))
            continue
        folder, base = name.rpartition("/")[0], PurePosixPath(name).name
        if not outputs and is_marked(base):
            near = [PurePosixPath(one).name for one in known if one.rpartition("/")[0] == folder]
            if mine := originals([base], near)[
                base
            ]:  # fetching both to compare them would cost too much
                found.passed.append(_own(f"{url}/{name}", mine[0]))
                continue
        found.jobs.append(InputFile(url, name))
        if may_be_beside(base):
            with suppress(Exception), place.open(name) as file:  # it is told when it is fetched
                _pass(found, base, file)


def _pass(found: Inputs, base: str, file: IO[bytes]) -> None:
    """Skip the last job if it is neither a picture nor a video, nor expected to be one."""
    kind = beside_in(base, file)
    if kind is not None:
        found.passed.append(Passed(str(found.jobs.pop()), NO_MEDIA if kind == "text" else ""))


def _own(name: str, original: str) -> Passed:
    return Passed(name, say("it is what FaceVeil made of {original}", original=original))


def wanted(name: str, options: Options) -> bool:
    """Whether a file below a folder, or in an archive, is to be processed.

    Args:
        name: relative, with forward slashes.
    """
    path = PurePosixPath(name)
    if not options.hidden and _is_hidden(name):
        return False
    if any(_matches(path, pattern, whole=False) for pattern in options.exclude):
        return False
    return not options.include or any(
        _matches(path, pattern, whole=True) for pattern in options.include
    )


def is_unfinished(name: str) -> bool:
    """Whether a name is that of an output which was not finished."""
    return _UNFINISHED.fullmatch(name) is not None


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _shown(options: Options) -> Options:
    """The same filters if hidden files were asked for."""
    return options.model_copy(update={"hidden": True})


def _matches(path: PurePosixPath, pattern: str, *, whole: bool) -> bool:
    pattern = pattern.casefold().rstrip("/")
    if "/" in pattern:
        places = [path] if whole else [path, *path.parents]
        return any(fnmatchcase(str(place).casefold(), pattern) for place in places)
    names = [path.name] if whole else path.parts
    return any(fnmatchcase(name.casefold(), pattern) for name in names)


def _folders(options: Options) -> Options:
    """The same filters for folders, to which ``include`` does not apply."""
    return options.model_copy(update={"include": ()})


class _Walk:
    """Looks through a folder and all below it."""

    def __init__(
        self, root: Path, options: Options, apart: Collection[Path], outputs: bool, found: Inputs
    ) -> None:
        self._root, self._text, self._options = root, str(root), options
        self._apart, self._names = apart, {path.name for path in apart}
        self._outputs, self._found = outputs, found
        self._enter, self._all = _folders(options), _shown(options)
        self._seen: set[tuple[int, int]] = set()
        self.made: Mapping[str, Stamp] = {}

    def __call__(self, prefix: str = "") -> None:
        folder = self._root / prefix
        try:
            state = folder.stat()
            if (state.st_dev, state.st_ino) in self._seen:  # a link that leads back up
                return
            self._seen.add((state.st_dev, state.st_ino))
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda one: one.name)
        except OSError as error:
            why = reason_of(error)
            problem = UnreadableError(
                say("the folder cannot be read: {reason}", reason=why), READABLE
            )
            self._found.failed.append((InputFile(self._text, prefix.rstrip("/")), problem))
            return
        files, folders = [], []
        for entry in entries:
            kind = self._kind(entry, prefix + entry.name)
            if kind == "file":
                files.append(entry.name)
            elif kind == "folder":
                folders.append(entry.name)
        self._take(folder, prefix, files)
        for name in folders:
            self(f"{prefix}{name}/")

    def _kind(self, entry: os.DirEntry[str], name: str) -> str:
        """ "file", "folder", or "" for anything that is skipped."""
        # Paths are resolved only where the last part is right: that costs as much as the walk.
        if entry.name in self._names and Path(entry.path).resolve() in self._apart:
            return ""
        try:
            folder = entry.is_dir()
            file = not folder and entry.is_file()
        except OSError:  # the target of a link; opening it gives the error
            folder, file = False, True
        if not wanted(name, self._enter if folder else self._options):
            if _is_hidden(entry.name) and wanted(name, self._all) and not self._options.hidden:
                if is_sidecar(entry.name):
                    self._pass(name)
                else:
                    self._found.hidden += 1
            return ""
        if entry.is_symlink() and not self._options.links:
            self._pass(name, say("it is a link; --links follows those"))
            return ""
        if not (folder or file):
            if not entry.is_symlink():
                self._pass(name, LINK)
                return ""
            return "file"  # a link that leads nowhere fails like a file that is not there
        return "folder" if folder else "file"

    def _take(self, folder: Path, prefix: str, files: Sequence[str]) -> None:
        """Decide on the files of one folder."""
        marked = [] if self._outputs else [name for name in files if is_marked(name)]
        owners = originals(marked, files) if marked else {}
        for name in files:
            if is_unfinished(name):
                self._pass(prefix + name, say("it is an output that was not finished"))
                continue
            for original in owners.get(name, ()):
                known = self.made.get(prefix + name)
                if (
                    known == place_of(self._text).stamp(prefix + name)
                    if known is not None
                    else is_made_from_file(folder / name, folder / original, self._options)
                ):
                    self._found.passed.append(_own(str(folder / name), original))
                    break
            else:
                self._found.jobs.append(InputFile(self._text, prefix + name))
                if may_be_beside(name):
                    with suppress(OSError), (folder / name).open("rb") as file:  # as above
                        _pass(self._found, name, file)

    def _pass(self, name: str, reason: str = "") -> None:
        self._found.passed.append(Passed(str(self._root / name), reason))
