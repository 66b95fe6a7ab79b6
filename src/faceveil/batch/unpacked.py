"""The members of an archive as files, one after the other, for looking only."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from faceveil.batch.archive_job import EmptyError
from faceveil.batch.find import NO_MEDIA, Passed, wanted
from faceveil.batch.places import plain_suffix
from faceveil.errors import FaceVeilError
from faceveil.media.archives.archive import open_archive
from faceveil.media.beside import beside_at
from faceveil.options import Options


def unpacked(path: Path, options: Options) -> Iterator[tuple[str, Path | Exception | Passed]]:
    """Each member with its unpacked file, which is removed when the next one is requested.

    A member that cannot be unpacked comes with the error, one that is no media as skipped.

    Raises:
        InputError: the archive cannot be read, or is not safe to unpack.
    """
    with tempfile.TemporaryDirectory(prefix="faceveil-") as folder:
        scratch = Path(folder)
        with open_archive(path, options, scratch) as archive:
            empty = True
            for one in archive.left_out:
                if wanted(one.name.replace("\\", "/"), options):
                    empty = False
                    passed = one.passed and not options.links
                    yield one.name, Passed(one.name, str(one.error)) if passed else one.error
            for number, member in enumerate(archive.members):
                name = str(member.name)
                if not wanted(name, options):
                    continue
                empty = False
                file = scratch / f"{number}{plain_suffix(name)}"
                try:
                    archive.extract(member, file)
                    kind = beside_at(member.name.name, file)
                except FaceVeilError as error:
                    yield name, error
                    continue
                if kind is None:
                    yield name, file
                else:
                    yield name, Passed(name, NO_MEDIA if kind == "text" else "")
                file.unlink()
            if empty:
                raise EmptyError
