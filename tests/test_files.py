"""Files in one step: whole, for their owner alone, or not at all."""

from __future__ import annotations

import ast
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faceveil.errors import OutputError
from faceveil.media.part import PartFile
from faceveil.system.files import WholeFile, write_whole

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no such permissions there")
PACKAGE = Path(__file__).parent.parent / "src" / "faceveil"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("data", ["照片\n", b"\xff\x00\r\n", "", "x" * 1_000_000])
@pytest.mark.parametrize("before", [None, "longer than what comes" * 9])
def test_what_is_written_is_there(tmp_path: Path, data: str | bytes, before: str | None) -> None:
    path = tmp_path / "x.json"
    if before is not None:
        path.write_text(before)
    write_whole(path, data)
    assert path.read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert list(tmp_path.iterdir()) == [path]


@POSIX
@pytest.mark.parametrize("wanted", [0o600, 0o644])
@pytest.mark.parametrize("before", [None, 0o666, 0o400])
def test_its_permissions_do_not_depend_on_what_was_there(
    tmp_path: Path, wanted: int, before: int | None
) -> None:
    path = tmp_path / "x"
    if before is not None:
        path.touch()
        path.chmod(before)
    write_whole(path, "x", wanted)
    assert mode(path) == wanted


@POSIX
def test_a_link_in_its_place_is_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    link = tmp_path / "x"
    link.symlink_to(precious)
    write_whole(link, "new")
    assert (precious.read_text(), link.read_text(), link.is_symlink()) == ("precious", "new", False)


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    path = tmp_path / "x"
    path.write_text("before")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        write_whole(path, "new", durable=True)
    assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_to_last_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    steps: list[str] = []
    for name in ("fsync", "replace"):
        whole = getattr(os, name)

        def step(*args: Any, name: str = name, whole: Any = whole, **more: Any) -> Any:
            steps.append(name)
            return whole(*args, **more)

        monkeypatch.setattr(os, name, step)
    write_whole(tmp_path / "x", "new", durable=durable)
    assert steps == (["fsync"] if durable else []) + ["replace"]


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="no handles of folders here")
def test_in_a_folder_that_was_opened(tmp_path: Path) -> None:
    """An opened folder stays the same, wherever its name leads by now."""
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    try:
        folder.rename(tmp_path / "moved")
        other.mkdir()
        folder.symlink_to(other)
        write_whole(Path("x"), "new", folder=handle)
    finally:
        os.close(handle)
    assert [path.name for path in (tmp_path / "moved").iterdir()] == ["x"]
    assert not list(other.iterdir())


def test_a_name_as_long_as_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("照" * 83 + ".json")
    write_whole(path, "x")
    assert path.read_text() == "x"


def test_what_is_killed_leaves_no_file_under_the_name(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    code = (
        "import os, sys, pathlib; from faceveil.system.files import WholeFile\n"
        "part = WholeFile(pathlib.Path(sys.argv[1])); part.file.write(b'half'); part.file.flush()\n"
        "os.abort()"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".x.jpg.")
    assert left.suffix == ".part"
    if sys.platform != "win32":
        assert mode(left) == 0o600


@POSIX
def test_an_output_has_the_permissions_of_a_new_file(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    part = PartFile(tmp_path / "x")
    assert mode(part.path) == 0o600
    assert mode(part.commit()) == mode(usual)
    assert part.commit() == tmp_path / "x"
    part.abort()
    assert {path.name for path in tmp_path.iterdir()} == {"usual", "x"}


def test_the_one_speaks_of_the_system_and_the_other_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        WholeFile(tmp_path / "no" / "x")
    with pytest.raises(OutputError, match="no such file"):
        PartFile(tmp_path / "no" / "x")


ELSEWHERE = {
    "check/quarantine.py": {"os.replace"},  # moves what is whole already
    "media/archives/archive.py": {"os.O_EXCL"},  # unpacks to work on it
    "media/pictures/jpeg_blocks.py": {"write_bytes"},  # in memory, or in a folder of its own
    "media/videos/recording.py": {"os.O_EXCL"},  # is to be seen while it is made
    "cli/demo.py": {"write_bytes"},  # samples to look at
}
"""Those that write or move a file themselves, and why they may."""


def test_files_are_written_by_one_module() -> None:
    own = {"os.replace", "os.O_EXCL", "os.fsync", "mkstemp", "NamedTemporaryFile"}
    own |= {"write_text", "write_bytes"}
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        used = {
            f"os.{node.attr}" if ast.unparse(node.value) == "os" else node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
        if name != "system/files.py" and used & own:
            found[name] = used & own
    assert found == ELSEWHERE
