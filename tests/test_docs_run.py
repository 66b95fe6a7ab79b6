"""Every command of the documents is typed as it stands, where all lies that it speaks of."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

import papers
import pdfs
from cameras import Camera
from faceveil import weights
from faceveil.cli import demo
from faceveil.frames import Image
from films import film
from pages import PAGES, REPOSITORY, blocks, commands
from reader import NEEDS, TOKEN, Reader, filled

ELSEWHERE = {
    r"make |\S*pip install|python3 -m venv|export PATH": "tests/test_first_use.py",
    r"tar |ln ": "tools/try_bundle.sh",
    r"pip wheel|pipx |uv ": "tried by hand, as docs/install.md says",
    r"docker |FACEVEIL_TOKEN=": "containers/try.sh: no container engine runs in the tests",
    r"python benchmarks/attacks.py parrot": "tests/test_attacks.py: needs PyTorch",
    r"python benchmarks/trend.py": "make trend",
    r"faceveil veil s3://": "tests/test_s3.py: needs s3fs, and a store",
}
"""Commands that are not run here, and what runs them."""

READ = [page for page in PAGES if page.name != "README.zh-CN.md"]
"""The pages whose commands are typed; the other first page has the same."""

LONGER = ("README.md", "README.zh-CN.md", "docs/library.md")
"""Examples of these pages are run with the commands; those of plugins every day."""


@pytest.fixture(scope="session")
def belongings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the pages speak of: photos, clips, folders, archives."""
    folder = tmp_path_factory.mktemp("belongings")
    scene, faces = demo.compose()
    half = np.asarray(cv2.resize(scene, None, fx=0.5, fy=0.5), np.uint8)
    photo = cv2.imencode(".jpg", half)[1].tobytes()
    for name in ("photo.jpg", "crowd.jpg"):
        (folder / name).write_bytes(photo)
    (folder / "broken.jpg").write_bytes(photo[: len(photo) // 2])
    for place in ("holiday", "portraits", "album", "archive", "in", "mnt/share/in"):
        (folder / place).mkdir(parents=True)
        for number in range(2):
            (folder / place / f"{number}.jpg").write_bytes(photo)
    (folder / "photos").mkdir()
    (folder / "photos" / "photo.jpg").write_bytes(photo)
    (folder / "mnt/srv").mkdir()
    (folder / "docs").mkdir()
    for name in ("holiday", "album"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for path in (folder / name).iterdir():
                archive.write(path, path.name)
    _papers(folder, half)
    for number, larger in enumerate((1.5, 2.0, 2.5), 1):
        one = np.asarray(cv2.resize(demo.portrait(), None, fx=larger, fy=larger), np.uint8)
        for name in ("me", "child"):
            cv2.imwrite(str(folder / f"{name}{number}.jpg"), one)
    _clips(folder, scene)
    _people(folder / "people", half, [face.transformed(0.5).as_tuple() for face in faces])
    for name in ("benchmarks", "containers", "constraints.txt", ".venv", "src", "pyproject.toml"):
        if (REPOSITORY / name).exists():
            (folder / name).symlink_to(REPOSITORY / name)
    return folder


def _papers(folder: Path, picture: Image) -> None:
    """Documents with faces, one of them locked, one signed."""
    papers.paper("docx", [picture], folder / "report.docx")
    papers.paper("pptx", [picture, picture[:, ::-1]], folder / "slides.pptx")
    (folder / "scan.pdf").write_bytes(papers.pdf([picture], scanned=True))
    (folder / "papers").mkdir()
    for form in ("odt", "pdf"):
        papers.paper(form, [picture], folder / "papers" / f"letter.{form}")
    papers.paper("pdf", [picture], folder / "signed.pdf")
    pdfs.sign(folder / "signed.pdf")
    papers.paper("pdf", [picture], folder / "locked.pdf")
    pdfs.lock(folder / "locked.pdf", "sesame")
    (folder / "password.txt").write_text("sesame\n")


def _clips(folder: Path, scene: Image) -> None:
    pictures = list(demo.pan(scene))[:50:2]
    film(folder / "clip.mp4", pictures, sound="aac")
    for name in ("interview.mov", "hall.mp4", "film.mp4", "talk.mp4"):
        film(folder / name, pictures[:12], sound="aac")


def _people(folder: Path, picture: Image, faces: list[tuple[float, ...]]) -> None:
    """Pictures with labels, as the benchmarks want them."""
    folder.mkdir()
    cv2.imwrite(str(folder / "table.jpg"), picture)
    height, width = picture.shape[:2]
    labels = {"table.jpg": {"width": width, "height": height, "boxes": faces}}
    (folder / "labels.json").write_text(json.dumps(labels))


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[str]:
    """The address of a Ray cluster."""
    utils = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed (extra scale)")
    here = {"num_cpus": 2, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = utils.Cluster(initialize_head=True, head_node_args=here)
    try:
        yield str(cluster.address)
    finally:
        cluster.shutdown()


@pytest.fixture
def stream(open_camera: Camera) -> str:
    """The address of a camera that speaks RTSP."""
    return f"{open_camera.address}/play"


@pytest.fixture
def reader(belongings: Path, tmp_path: Path, detector: str) -> Iterator[Reader]:
    folder = tmp_path / "here"
    shutil.copytree(belongings, folder, symlinks=True)
    tools = Path(sys.executable).parent
    reader = Reader(
        folder,
        {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "NO_COLOR": "1",
            "FACEVEIL_TOKEN": TOKEN,
            "FACEVEIL_WEBHOOK_SECRET": f"whsec_{'A' * 32}",
            "XDG_CACHE_HOME": str(
                tmp_path / "cache"
            ),  # jobs and what is fetched: not the user's own
            "FACEVEIL_WEIGHTS": str(weights.find(detector).parent),
        },
    )
    try:
        yield reader
    finally:
        reader.end()


ONCE = "python benchmarks/"
"""Commands that need nothing of those around them: what several pages say runs for the last."""


@cache
def last_pages() -> dict[str, Path]:
    """The page that such a command is run for."""
    found = {}
    for page in READ:
        for block in blocks(page):
            found.update({filled(one): page for one in commands(block) if one.startswith(ONCE)})
    return found


def shells(page: Path) -> list[list[str]]:
    """The commands of each shell block that are to be run here."""
    kept = (
        [
            line
            for line in commands(block)
            if not any(re.match(pattern, line) for pattern in ELSEWHERE)
            and last_pages().get(filled(line), page) == page
        ]
        for block in blocks(page)
    )
    return [lines for lines in kept if lines]


@pytest.mark.long
@pytest.mark.parametrize(
    "page",
    [page for page in READ if shells(page)],
    ids=lambda page: page.name,
)
def test_every_command_does_what_is_said(
    page: Path, reader: Reader, request: pytest.FixtureRequest
) -> None:
    for lines in shells(page):
        for line in lines:
            for variable, fixture in NEEDS.items():
                if variable in filled(line):
                    reader.environment[variable] = request.getfixturevalue(fixture)
            reader.type(line)


def test_both_first_pages_say_the_same_to_type() -> None:
    english, chinese = (
        [list(commands(block)) for block in blocks(REPOSITORY / name)]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    ["docs/plugins.md", *(pytest.param(page, marks=pytest.mark.long) for page in LONGER)],
)
def test_every_example_in_python_runs(page: str, reader: Reader) -> None:
    for block in blocks(REPOSITORY / page, "python"):
        (reader.folder / "example.py").write_text(block, encoding="utf-8")
        reader.type("python example.py")
