"""Write down the licences of all that an executable folder contains. Used by bundle.spec.

Every file that goes into the folder is traced to the package that it was installed with, to Python,
or to a library of the system. Nothing is listed by hand, so nothing is forgotten.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

_TEXT = re.compile(r"(licen[cs]e|copying|notice|authors|thirdparty).*(?<!\.py|pyc)$", re.IGNORECASE)
_CONTENTS = re.compile(r".*(cdx|sbom)\.json$")
"""Names of files that say what may be done with a package, and what it was built from."""
_GPL = "GNU GENERAL PUBLIC LICENSE Version 3,"
_UNKNOWN = "see its files"
_DOCS = Path("/usr/share/doc")

HEAD = """\
What this folder contains, and under which licences
===================================================

FaceVeil itself is under the Apache License 2.0: see LICENSE and NOTICE beside the executable. It
comes with the packages and libraries below, each under its own licence. Their texts lie in folders
of their names. This software is based in part on the work of the Independent JPEG Group, whose
library several of them bring (the text is Pillow's).

You may use the executable for any purpose.

"""
PASSING_ON = """\
Passing it on is another matter. PyAV (av) brings FFmpeg, which says of itself "{licence}"
and is linked with {encoders}: encoders under the GNU General Public License, version 2 or
later. So who gives this folder or its archive to others has to do it under the GNU General Public
License, version 3 or later, whose text is in {gpl}. In short: keep this
folder of licences with it, and give with it, or offer, the complete source code of what is in it.
FaceVeil's is its repository; that of FFmpeg and the encoders is what the PyAV project built the
version below from; the others publish theirs under the names and versions below. Who cannot do this
passes on FaceVeil's wheel or repository instead: the rest is then fetched by whoever installs it.
This is a summary, not legal advice.

"""


@dataclass
class Part:
    """Something that others wrote.

    Attributes:
        libraries: names of shared libraries of third parties that it brings.
        texts: files that state its licence, by the name under which they are kept.
    """

    name: str
    version: str
    licence: str
    libraries: set[str] = field(default_factory=set)
    texts: dict[str, Path] = field(default_factory=dict)


def write(folder: Path, sources: Iterable[Path]) -> None:
    """Write README.txt and the texts of all licences into ``folder``.

    Args:
        sources: the files that were bundled, where they lie on this machine.

    Raises:
        RuntimeError: something is bundled about whose licence nothing is known here.
    """
    parts = sorted(_parts(sources), key=lambda part: part.name.lower())
    if bare := [part.name for part in parts if not part.texts and part.licence == _UNKNOWN]:
        raise RuntimeError(f"nothing is known about the licence of {', '.join(bare)}")
    gpl = ""
    for part in parts:
        for name, text in part.texts.items():
            kept = folder / part.name / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(text, kept)
            words = " ".join(text.read_text("utf-8", "replace").split())
            if _GPL in words and not gpl:
                gpl = f"{part.name}/{name}"
    if not gpl:
        raise RuntimeError("no part brings the text of the GNU General Public License, version 3")
    lines = (
        f"{' '.join(filter(None, (part.name, part.version)))}: {part.licence}"
        + (f"\n    with {', '.join(sorted(part.libraries))}" if part.libraries else "")
        for part in parts
    )
    told = HEAD + _passing_on(gpl) + "\n".join(lines) + "\n"
    (folder / "README.txt").write_text(told, encoding="utf-8")


def _passing_on(gpl: str) -> str:
    """The consequences of the encoders that FFmpeg was built with."""
    from av._core import library_meta

    about = library_meta["libavcodec"]
    encoders = re.findall(r"--enable-lib(x26\d|xvid)", about["configuration"])
    if not encoders:
        return ""
    return PASSING_ON.format(licence=about["license"], encoders=" and ".join(encoders), gpl=gpl)


def _parts(sources: Iterable[Path]) -> Iterator[Part]:
    owners = {}
    for dist in distributions():
        place = Path(str(dist.locate_file(""))).resolve()
        owners.update(dict.fromkeys((f"{place}/{file}" for file in dist.files or ()), dist))
    python = Path(sysconfig.get_path("stdlib")).resolve()
    parts: dict[str, Part] = {}
    others: set[Path] = set()
    for real in filter(Path.is_file, map(Path.resolve, sources)):
        if owner := owners.get(str(real)):
            part = parts.setdefault(owner.name, _of_package(owner))
            if real.parent.name.endswith(".libs"):
                part.libraries.add(re.split(r"-[0-9a-f]{8}|\.so", real.name)[0])
        elif not (real.is_relative_to(python) or real.name.startswith("libpython")):
            others.add(real)
    yield from parts.values()
    yield _python()
    yield from _of_system(others)


def _of_package(dist: Distribution) -> Part:
    about = dist.metadata
    stated = next((about[key] for key in ("License-Expression", "License") if key in about), "")
    classified = [
        kind.split(" :: ")[-1]
        for kind in about.get_all("Classifier", [])
        if kind.startswith("License ::")
    ]
    # Some state their own licence, and that of what they bring only as a classifier.
    said = [*([] if "\n" in stated else [stated]), *classified]
    texts = {
        "-".join(part for part in file.parts[1:] if part != "licenses"): Path(str(file.locate()))
        for file in dist.files or ()
        if file.parts[0].endswith(".dist-info") or len(file.parts) < 4
        if _TEXT.match(file.name) or _CONTENTS.match(file.name)
    }
    licence = "; ".join(dict.fromkeys(filter(None, said))) or _UNKNOWN
    return Part(dist.name, dist.version, licence, texts=texts)


def _python() -> Part:
    places = (
        Path(sysconfig.get_path("stdlib"), "LICENSE.txt"),
        Path(sys.base_prefix, "LICENSE.txt"),  # Windows
        _DOCS / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "copyright",  # Debian
    )
    text = next(filter(Path.is_file, places))
    return Part("Python", sys.version.split()[0], "PSF-2.0", texts={text.name: text})


def _of_system(libraries: Iterable[Path]) -> Iterator[Part]:
    """Libraries that Python or a package found on the machine that the folder was built on."""
    parts: dict[str, Part] = {}
    for library in libraries:
        package = _debian(library)
        text = _DOCS / package / "copyright"
        if package not in parts:
            texts = {text.name: text} if package and text.is_file() else {}
            licence = _UNKNOWN if texts else "as on the system where this was built"
            parts[package] = Part(package or "Other libraries", "", licence, texts=texts)
        parts[package].libraries.add(library.name.partition(".so")[0])
    yield from parts.values()


def _debian(library: Path) -> str:
    """The name of the package that a file comes with, or an empty one on other systems."""
    if shutil.which("dpkg-query") is None:
        return ""
    # A package may name the file by its place from before /lib became a link to /usr/lib.
    for path in (library, Path("/", *library.parts[2:])):
        asked = ["dpkg-query", "--search", str(path)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.partition(":")[0]
    return ""
