"""From nothing to a photo, a clip and the open page: clone, wheel, executable, container."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceveil.check import check_file
from faceveil.cli import demo
from faceveil.options import Options
from films import film
from pages import REPOSITORY, blocks, commands
from reader import Reader
from verbs import everyday

LAZILY = {"PIP_NO_COMPILE": "0"}
"""For pip, by which "0" means yes here: modules are compiled when they are first used. To compile
all of them takes a third of the time of an installation, and most are never used."""

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("detector")]


@pytest.fixture
def newcomer(tmp_path: Path, photo: Path) -> Iterator[Reader]:
    """Somebody with a fresh clone, a photo and a clip, and nothing installed."""
    clone = tmp_path / "faceveil"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
    photo.rename(clone / "photo.jpg")
    scene, _ = demo.compose()
    film(clone / "clip.mp4", list(demo.pan(scene))[:25], sound="aac")
    here = str(Path(sys.prefix) / "bin")
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != here]
    reader = Reader(
        clone,
        {"PATH": os.pathsep.join(path), "XDG_CACHE_HOME": str(tmp_path / "cache"), **LAZILY},
    )
    try:
        yield reader
    finally:
        reader.end()  # a service that went on would keep the port


def first(heading: str = "") -> list[str]:
    """The commands of the first shell block of the first page below a heading."""
    page = REPOSITORY / "README.md"
    text = page.read_text(encoding="utf-8")
    assert heading in text
    begun = len(re.findall("^```sh", text[: text.index(heading)], re.MULTILINE))
    return list(commands(blocks(page)[begun]))


def test_from_a_clone_to_a_checked_photo_a_checked_clip_and_the_open_page(
    newcomer: Reader,
) -> None:
    steps = first()
    assert [re.sub(r"\S*/", "", step).split()[1] for step in steps] == ["demo", "veil", "serve"]
    for step in steps:
        newcomer.type(step)
    for name in ("demo/after.jpg", "demo/after.mp4", "photo.veiled.jpg", "clip.veiled.mp4"):
        assert check_file(newcomer.folder / name, Options()) == []
    # As a browser does it: the address that was printed lets it in, and the page follows.
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    (address,) = re.findall(r"http://\S+", newcomer.heard)
    browser.open(address, timeout=10).close()
    with browser.open(newcomer.service, timeout=10) as page:
        assert "<main" in page.read().decode()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(newcomer.service, timeout=10)
    newcomer.end()
    # What the contributors' page says first.
    newcomer.type("make format")
    newcomer.type("git diff --exit-code")


def test_installed_as_the_first_page_says(newcomer: Reader, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    newcomer.environment["HOME"] = str(home)
    # The line that says so holds for the shell it is typed in.
    here = f"{home / '.faceveil' / 'bin'}{os.pathsep}"
    newcomer.environment["PATH"] = here + newcomer.environment["PATH"]
    for step in first("## Install"):
        newcomer.type(step)
    (newcomer.folder / "src").rename(tmp_path / "away")  # it is the installed one that runs
    newcomer.type("faceveil veil photo.jpg clip.mp4 -o safe")
    newcomer.type("faceveil --version")


@pytest.mark.parametrize("command", ["tools/try_wheel.sh", "containers/try.sh", "make bundle"])
def test_from_outside_of_the_checkout(command: str) -> None:
    if command.startswith("containers") and shutil.which("setpriv") is None:
        pytest.skip("no setpriv here")
    if command == "make bundle" and not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        pytest.skip("this Python has no shared library to put into an executable")
    surroundings = everyday() | LAZILY
    done = subprocess.run(
        ["bash", "-c", command], cwd=REPOSITORY, env=surroundings, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith(("works", "work")), done.stdout
    print(done.stdout)
