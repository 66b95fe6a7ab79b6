"""Nothing but ``weights fetch`` opens a socket.

Shown in three ways, each with a blind spot the others do not have: the sockets are taken away from
the library (audit hook and seccomp filter), the command line runs where no network is, and the
kernel is asked which sockets it really opened.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_group

from faceveil import weights
from faceveil.cli import app
from faceveil.frames import Image
from tiers import daily
from verbs import ONLINE, VERBS, everyday, furnish, interrupted
from verbs import run as run_verb

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("offline.py")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=everyday(),
    )


def test_the_guard_sees_python() -> None:
    done = run("open_in_python")
    assert done.returncode == 1
    assert "SocketOpenedError" in done.stderr


def test_the_guard_sees_native_code() -> None:
    done = run("open_in_native_code")
    if "done" in done.stdout:
        pytest.skip("native code cannot be watched on this system")
    assert done.returncode == -signal.SIGSYS


def test_importing_everything_opens_no_socket() -> None:
    done = run("import_everything")
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout


@pytest.mark.parametrize(
    ("name", "file"),
    daily(
        [("yunet", "yunet"), ("centerface", "centerface"), ("mediapipe", "blazeface-full")],
        ("yunet", "yunet"),
    ),
)
def test_a_whole_run_opens_no_socket(name: str, file: str, photo: Path) -> None:
    if not weights.available(file):
        pytest.skip(f"no weights of {file} here: faceveil weights fetch")
    if name == "mediapipe":
        pytest.importorskip("ai_edge_litert", reason="the extra mediapipe is not installed")
    done = run("whole_run", str(photo), name)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout


def test_nobody_reports_later(photo: Path, detector: str) -> None:
    done = run("wait_for_whoever_reports_later", str(photo), detector)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout


def test_the_runtime_is_silenced_before_it_is_loaded(photo: Path, detector: str) -> None:
    """ONNX Runtime makes up its mind on import whether to report to its maker."""
    done = run("silenced", str(photo), detector)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout


def every_verb() -> Iterator[str]:
    for name, command in get_group(app).commands.items():
        below = command.commands if isinstance(command, TyperGroup) else None
        yield from (f"{name} {verb}" for verb in below) if below else (name,)


def test_no_verb_is_forgotten() -> None:
    assert set(every_verb()) == VERBS.keys() | ONLINE


@pytest.fixture(scope="module")
def _furnished(_astronaut: Image, detector: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder, _astronaut)
    return folder


@pytest.fixture
def furnished(_furnished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_furnished, tmp_path, dirs_exist_ok=True))


DAILY = ("veil", "live", "serve", "weights list")
"""Verbs that are traced every time: a file, a stream, a service and what else there is."""
APART = ("unshare", "--map-root-user", "--net", "--")
"""Runs a program where the only network device is a loopback that is down."""


@pytest.fixture(scope="module")
def apart() -> tuple[str, ...]:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here: it comes with util-linux")
    seen = subprocess.run([*APART, "cat", "/proc/net/dev"], capture_output=True, text=True)
    if seen.returncode:
        pytest.skip(f"no network namespaces here: {seen.stderr.strip()}")
    devices = [line.partition(":")[0].strip() for line in seen.stdout.splitlines() if ":" in line]
    assert devices == ["lo"]
    return APART


def test_the_namespace_has_no_way_out(apart: tuple[str, ...]) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 9), 5)"
    done = subprocess.run([*apart, sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "unreachable" in done.stderr


@pytest.mark.parametrize("name", daily(VERBS, "veil"))
def test_every_verb_works_without_a_network(
    name: str, apart: tuple[str, ...], furnished: Path
) -> None:
    verb = VERBS[name]
    done = run_verb(verb, furnished, apart)
    assert done.returncode in verb.codes, done.stderr


TRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=%network,io_uring_setup", "-o")
LOOPBACK = re.compile(r"127\.0\.0\.1|::1")


def forbidden(trace: str, *, listens: bool = False) -> list[str]:
    """Lines of a trace of system calls that open a socket to beyond this machine.

    Args:
        listens: sockets for the loopback address are permitted. Those of the kind AF_UNIX, which
            lead nowhere else, always are.
    """
    found = []
    for line in trace.splitlines():
        opened = re.search(r"\bsocket(?:pair)?\((?:AF|PF)_(\w+)", line)
        if opened and opened[1] not in ("UNIX", "LOCAL"):
            if not (listens and opened[1] in ("INET", "INET6")):
                found.append(line)
        elif "io_uring_setup(" in line:  # could open sockets that no trace shows
            found.append(line)
        used = re.search(r"\b(?:bind|connect|sendto|sendmsg|sendmmsg)\(", line)
        address = used and re.search(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', line)
        if address and not LOOPBACK.fullmatch(address[1] or address[2]):
            found.append(line)
    return found


@pytest.fixture(scope="module")
def tracer() -> tuple[str, ...]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    seen = subprocess.run([*TRACE, "/dev/null", "true"], capture_output=True, text=True)
    if seen.returncode:
        pytest.skip(f"system calls cannot be traced here: {seen.stderr.strip()}")
    return TRACE


@pytest.mark.parametrize(
    ("code", "alone", "listening"),
    [
        ("socket.socketpair()", True, True),
        ("socket.socket(socket.AF_INET6)", False, True),
        ("socket.socket().bind(('127.0.0.1', 0))", False, True),
        ("socket.socket().bind(('0.0.0.0', 0))", False, False),
        ("socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 53))", False, False),
        ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", False, False),
    ],
)
def test_the_tracer_sees(
    code: str, alone: bool, listening: bool, tracer: tuple[str, ...], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    code = f"import os, socket; os.fork() or [{code}]"  # a child is followed, too
    subprocess.run([*tracer, str(trace), sys.executable, "-c", code], capture_output=True)
    seen = trace.read_text()
    assert "socket" in seen
    assert (forbidden(seen) == []) == alone
    assert (forbidden(seen, listens=True) == []) == listening


@pytest.mark.parametrize(
    "name",
    daily(VERBS, *DAILY),
)
def test_every_verb_opens_no_socket(name: str, tracer: tuple[str, ...], furnished: Path) -> None:
    verb, trace = VERBS[name], furnished / "trace"
    done = run_verb(verb, furnished, (*tracer, str(trace)))
    assert done.returncode in verb.codes, done.stderr
    assert forbidden(trace.read_text(), listens=verb.listens) == []


def test_a_verb_that_never_ends_is_interrupted(tmp_path: Path) -> None:
    code = "import time; print('ready', flush=True); time.sleep(60)"
    done = interrupted([sys.executable, "-c", code], "ready", tmp_path)
    assert done.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in done.stdout
