"""Plans, reports, manifests and signatures are written where their names say, and nowhere else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceveil.batch.manifest import Manifest
from faceveil.cli.ui import private_file
from faceveil.errors import OutputError
from faceveil.evidence.sign import sign_file
from faceveil.options import Options

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


def save(path: Path) -> None:
    with private_file(path) as file:
        assert file is not None
        file.write("a plan")


def record(path: Path) -> None:
    Manifest(path, Options()).close()


def sign(path: Path) -> None:
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    signed = path.with_suffix("")
    signed.write_text("signed")
    sign_file(signed, ed25519.Ed25519PrivateKey.generate())


WRITERS = [save, record, sign]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("there", [True, False])
def test_not_through_a_link(tmp_path: Path, write: Callable[[Path], None], there: bool) -> None:
    precious = tmp_path / "precious"
    if there:
        precious.touch(0o644)
    link = tmp_path / "x.sig"
    link.symlink_to(precious)
    with pytest.raises(OutputError, match="it is a link"):
        write(link)
    assert precious.exists() == there
    if there:
        assert (precious.read_bytes(), stat.S_IMODE(precious.stat().st_mode)) == (b"", 0o644)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to be root")
def test_not_into_a_file_of_somebody_else(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "x.sig"
    path.touch()
    os.chown(path, 12345, 12345)
    with pytest.raises(OutputError, match="somebody else"):
        write(path)
    assert path.read_bytes() == b""


def test_over_a_longer_one(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("what was there, and longer")
    path.chmod(0o644)
    save(path)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("a plan", 0o600)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no such thing here")
def test_where_the_output_goes_by_name() -> None:
    code = "from test_side_outputs import save, Path; save(Path('/dev/stdout'))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent
    )
    assert (done.stdout, done.stderr) == ("a plan", "")
