"""Files in a folder of this machine, or at a URL that fsspec knows (``s3://...``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from faceveil.errors import OutputError, UnreadableError, UsageError
from faceveil.i18n import say
from faceveil.system.extras import advice_for
from faceveil.system.files import part_prefix

if TYPE_CHECKING:
    from fsspec.spec import AbstractFileSystem

# A path that went through `pathlib` has lost one of its two slashes.
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/{1,3}(?P<rest>[^/].*)", re.IGNORECASE)
_SLASHED = {"file", "local"}
"""Schemes after which a path begins with a slash."""
_BUCKETS = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"}
"""Schemes of stores without folders, in which only a bucket could be made."""


class Stamp(NamedTuple):
    """A cheap sign that a file is still the same.

    Attributes:
        size: in bytes.
        changed: when, or a tag that changes with it.
    """

    size: int
    changed: str


class Place(Protocol):
    """A folder on this machine or in a store.

    Attributes:
        root: its path or URL.
    """

    root: str

    def stamp(self, name: str, *, fresh: bool = False) -> Stamp | None:
        """The stamp of a file; None if there is no such file, or it may not be read.

        Args:
            fresh: ask the store again, because another process may have written the file meanwhile.

        Raises:
            UnreadableError: the store cannot be asked.
        """
        ...

    def open(self, name: str) -> IO[bytes]: ...


def is_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None


def place_of(root: str) -> Place:
    """The folder at a path or URL."""
    match = _URL.fullmatch(root)
    if match is None:
        return _Local(root)
    scheme, rest = match["scheme"].lower(), match["rest"].rstrip("/")
    return _Remote(f"{scheme}://{'/' if scheme in _SLASHED else ''}{rest}")


def sha256_of(place: Place, name: str) -> str:
    """The sha256 of a file's bytes; "" if it cannot be read."""
    try:
        with place.open(name) as file:
            return hashlib.file_digest(cast("Any", file), "sha256").hexdigest()
    except Exception:  # a store has errors of its own
        return ""


class _Local:
    def __init__(self, root: str) -> None:
        self.root = root

    def stamp(self, name: str, *, fresh: bool = False) -> Stamp | None:
        try:
            state = Path(self.root, name).stat()
        except OSError:
            return None
        return Stamp(state.st_size, str(state.st_mtime_ns))

    def open(self, name: str) -> IO[bytes]:
        return Path(self.root, name).open("rb")


class _Remote:
    def __init__(self, root: str) -> None:
        self.root = root

    def stamp(self, name: str, *, fresh: bool = False) -> Stamp | None:
        files, url = system(self.root), f"{self.root}/{name}"
        if fresh:
            files.invalidate_cache(url.rpartition("/")[0])
        try:
            info = files.info(url)
        except (FileNotFoundError, PermissionError):
            return None
        except Exception as error:
            raise UnreadableError(
                say("{url} cannot be asked for: {reason}", url=url, reason=_why(error))
            ) from error
        known = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified")
        changed = next((str(info[key]) for key in known if info.get(key)), "")
        return Stamp(int(info["size"] or 0), changed)

    def open(self, name: str) -> IO[bytes]:
        return cast("IO[bytes]", system(self.root).open(f"{self.root}/{name}", "rb"))


@cache
def _system(scheme: str) -> AbstractFileSystem:
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(
            say("{scheme}:// needs fsspec", scheme=scheme), advice_for("scale")
        ) from error
    try:
        return fsspec.filesystem(scheme)
    except (ImportError, ValueError) as error:
        missing = getattr(error.__cause__, "name", None)
        why = say("the package {name} is not installed", name=missing) if missing else error
        raise UsageError(
            say("{scheme}:// cannot be used: {reason}", scheme=scheme, reason=why)
        ) from error


def system(url: str) -> AbstractFileSystem:
    """The file system for URLs of this kind; its credentials are those of its own tools.

    Raises:
        UsageError: the package for it is not installed.
    """
    return _system(url.partition("://")[0])


def listing(url: str) -> Iterator[str]:
    """Names of all files below a URL, relative to it.

    Raises:
        UsageError: it cannot be listed.
    """
    files = system(url)
    try:
        found = files.find(url)
    except Exception as error:
        raise UsageError(
            say("{name} cannot be read: {reason}", name=url, reason=_why(error))
        ) from error
    from fsspec.core import strip_protocol

    base = strip_protocol(url).rstrip("/")
    for path in found:
        yield path.removeprefix(base).lstrip("/")


def fetch(url: str, target: Path) -> None:
    """Copy a file here.

    Raises:
        UnreadableError: it is not there, or cannot be read.
    """
    files = system(url)
    try:
        files.get_file(url, str(target))
    except Exception as error:
        raise UnreadableError(
            say("the file cannot be fetched: {reason}", reason=_why(error))
        ) from error


def deliver(file: Path, url: str) -> None:
    """Copy a finished file to its place, as a whole or not at all.

    Raises:
        OutputError: it cannot be written there.
    """
    files, scheme = system(url), url.partition("://")[0]
    try:
        if scheme not in _BUCKETS:
            files.makedirs(url.rpartition("/")[0], exist_ok=True)
        if scheme in _SLASHED:
            folder, _, name = url.rpartition("/")
            part = f"{folder}/{part_prefix(name)}{file.parent.name}.part"
            files.put_file(str(file), part)
            files.mv(part, url)
        else:  # object stores show an object when it is complete
            files.put_file(str(file), url)
    except Exception as error:
        raise OutputError(
            say("the output cannot be delivered: {reason}", reason=_why(error))
        ) from error


def _why(error: Exception) -> str:
    """The message of a store's error; every store has errors of its own."""
    return str(error).partition("\n")[0] or type(error).__name__
