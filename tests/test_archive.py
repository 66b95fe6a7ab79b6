"""Archives: what is taken from one, and everything that must not be."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceveil.errors import (
    FaceVeilError,
    LimitError,
    OutputError,
    UnreadableError,
    UnsupportedError,
    UsageError,
)
from faceveil.media.archives.archive import ArchiveWriter, Member, archive_kind, open_archive
from faceveil.media.archives.entries import LeftOut, safe_name
from faceveil.options import Options

OPTIONS = Options()
JPEG = b"\xff\xd8\xff\xe0" + b"not really" * 50
FILES = {"a.jpg": JPEG, "deep/er/b.png": b"\x89PNG\r\n\x1a\n" + bytes(3000), "empty.txt": b""}


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def with_entry(path: Path, **fields: object) -> Path:
    """A tar with one entry that is not a plain file."""
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("entry.jpg")
        for name, value in fields.items():
            setattr(info, name, value)
        archive.addfile(info)
    return path


def unpacked(path: Path, tmp_path: Path) -> dict[str, bytes]:
    found = {}
    with open_archive(path, OPTIONS, tmp_path) as archive:
        for number, member in enumerate(archive.members):
            target = tmp_path / f"member{number}"
            archive.extract(member, target)
            found[str(member.name)] = target.read_bytes()
            assert len(found[str(member.name)]) == member.size
            assert stat.S_IMODE(target.stat().st_mode) == 0o600
    return found


def refused(path: Path, kind: type[FaceVeilError], words: str, options: Options = OPTIONS) -> None:
    with pytest.raises(kind, match=words):
        open_archive(path, options)


def left_out(path: Path, words: str, tmp_path: Path, *, others: int = 0) -> LeftOut:
    """The one entry that is left out of an archive; the others can be had."""
    with open_archive(path, OPTIONS, tmp_path) as archive:
        (odd,) = archive.left_out
        assert re.search(words, str(odd.error)), odd
        assert len(archive.members) == others
        for member in archive.members:
            archive.extract(member, tmp_path / f"other{member.number}")
    return odd


# What is taken


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_are_read(mode: str, tmp_path: Path) -> None:
    path = tarred(tmp_path / "x", FILES, mode)
    assert unpacked(path, tmp_path) == FILES


@pytest.mark.skipif(sys.version_info < (3, 14), reason="zstd needs Python 3.14")
def test_zstd_tars_are_read(tmp_path: Path) -> None:
    assert unpacked(tarred(tmp_path / "x", FILES, "w:zst"), tmp_path) == FILES


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_are_read(method: int, tmp_path: Path) -> None:
    assert unpacked(zipped(tmp_path / "x", FILES, method), tmp_path) == FILES


def test_members_come_in_any_order_and_more_than_once(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tgz", FILES, "w:gz")
    with open_archive(path, OPTIONS) as archive:
        for number, member in enumerate([*archive.members[::-1], *archive.members]):
            archive.extract(member, tmp_path / str(number))
            assert (tmp_path / str(number)).read_bytes() == FILES[str(member.name)]


def test_several_xz_streams_are_one_file(tmp_path: Path) -> None:
    whole = tarred(tmp_path / "x.tar", FILES).read_bytes()
    parts = lzma.compress(whole[:2000]) + bytes(8) + lzma.compress(whole[2000:])
    (tmp_path / "x.xz").write_bytes(parts)
    assert unpacked(tmp_path / "x.xz", tmp_path) == FILES


def test_folders_and_leading_dots_are_no_members(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/a.jpg").write_bytes(JPEG)
    with tarfile.open(path, "w") as archive:
        archive.add(folder, ".")
    assert unpacked(path, tmp_path) == {"deep/a.jpg": JPEG}
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive2:
        archive2.mkdir("deep")
        archive2.writestr("deep/a.jpg", JPEG)
    with open_archive(tmp_path / "x.zip", OPTIONS) as opened:
        assert opened.members == (Member(PurePosixPath("deep/a.jpg"), len(JPEG)),)


def test_names_in_utf8_without_the_flag_for_it_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"照片.jpg": JPEG})
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        data[data.index(signature) + at] &= ~0x8  # as macOS writes them
    path.write_bytes(data)
    assert list(unpacked(path, tmp_path)) == ["照片.jpg"]


@pytest.mark.parametrize("make", [zipped, tarred])
def test_an_archive_without_files_has_no_members(
    make: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path
) -> None:
    if make is zipped:
        with open_archive(make(tmp_path / "x", {}), OPTIONS) as archive:
            assert archive.members == ()
    else:
        refused(make(tmp_path / "x", {}), UnsupportedError, "no archive")


@pytest.mark.slow
@pytest.mark.long
def test_ten_thousand_entries_and_not_one_more(tmp_path: Path) -> None:
    files = {f"{number // 100}/{number}.jpg": b"\xff\xd8\xff" for number in range(10_000)}
    for make in (zipped, tarred):
        path = make(tmp_path / "x", files)
        started = time.process_time()
        with open_archive(path, OPTIONS) as archive:
            assert len(archive.members) == 10_000
        assert time.process_time() - started < 20
        path = make(tmp_path / "y", files | {"more.jpg": b""})
        refused(path, LimitError, "more than 10000 entries")


# Names

BAD_NAMES = {
    "/etc/passwd": "absolute",
    "C:/x.jpg": "absolute",
    "c:x.jpg": "absolute",
    "\\\\host\\share.jpg": "absolute",
    "a\nb.jpg": "control",
    "a\x1b[2Jb.jpg": "control",
    "a\x7fb.jpg": "control",
    "photo\u202egpj.exe": "control",
}
HOSTILE = ("../x.jpg", "a/../../x.jpg", "a/..", "a\\..\\..\\x.jpg")


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_unsafe_names_are_left_out(
    name: str, make: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path
) -> None:
    path = make(tmp_path / "x", {"fine.jpg": JPEG, name: JPEG})
    odd = left_out(path, f"entry 2 .*{BAD_NAMES[name]}", tmp_path, others=1)
    assert odd.name == name


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_name_that_leaves_its_folder_refuses_the_whole(
    name: str, make: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path
) -> None:
    refused(make(tmp_path / "x", {"a.jpg": JPEG, name: JPEG}), UnsupportedError, "entry 2 .*leaves")


def backslashed(path: Path, name: str) -> Path:
    """A zip as old Windows programs pack it."""
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, JPEG)
    return path


@pytest.mark.parametrize("name", ["Photos\\a.jpg", "a\\b\\c.jpg", "a\\b/c.jpg"])
def test_backslashes_stand_between_folders(name: str, tmp_path: Path) -> None:
    expected = {name.replace("\\", "/"): JPEG}
    assert unpacked(backslashed(tmp_path / "x.zip", name), tmp_path) == expected
    (tmp_path / "member0").unlink()
    assert unpacked(tarred(tmp_path / "x.tar", {name: JPEG}), tmp_path) == expected


def test_what_follows_a_nul_is_seen(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.jpgX/b": JPEG})
    path.write_bytes(path.read_bytes().replace(b"a.jpgX", b"a.jpg\0"))
    left_out(path, "control characters", tmp_path)


def test_a_name_may_be_longer_than_a_disk_allows(tmp_path: Path) -> None:
    files = {"x" * 300 + ".jpg": JPEG, "照" * 100 + ".jpg": JPEG, f"{'d' * 300}/a.jpg": JPEG}
    for make in (zipped, tarred):
        assert unpacked(make(tmp_path / "x", files), tmp_path) == files
        for left in tmp_path.glob("member*"):
            left.unlink()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_several_times_gives_several_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.jpg", JPEG)
        archive.writestr("a.jpg", JPEG[::-1])
    with open_archive(tmp_path / "x.zip", OPTIONS) as opened:
        for member in opened.members:
            opened.extract(member, tmp_path / str(member.number))
    assert (tmp_path / "1").read_bytes() == JPEG
    assert (tmp_path / "2").read_bytes() == JPEG[::-1]


@given(st.text(min_size=1, max_size=40))
def test_a_name_that_passes_stays_where_it_is_put(text: str) -> None:
    try:
        name = safe_name(text, 1)
    except UnsupportedError:
        return
    place = Path("/base") / name
    assert place.is_relative_to("/base")
    assert ".." not in place.parts
    assert str(name).isprintable() or not any(ord(sign) < 32 for sign in str(name))


# What an entry may be


@pytest.mark.parametrize(
    ("kind", "link", "passed"),
    [
        (tarfile.SYMTYPE, "/etc/passwd", True),
        (tarfile.LNKTYPE, "a.jpg", False),
        (tarfile.CHRTYPE, "", True),
        (tarfile.BLKTYPE, "", True),
        (tarfile.FIFOTYPE, "", True),
        (tarfile.GNUTYPE_SPARSE, "", False),
    ],
)
def test_links_and_devices_are_left_out_of_tars(
    kind: bytes, link: str, passed: bool, tmp_path: Path
) -> None:
    path = with_entry(tmp_path / "x.tar", type=kind, linkname=link)
    assert left_out(path, "link|device|holes", tmp_path).passed == passed


def test_a_hard_link_is_the_file_it_leads_to(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        info = tarfile.TarInfo("a.jpg")
        info.size = len(JPEG)
        archive.addfile(info, io.BytesIO(JPEG))
        info = tarfile.TarInfo("b.jpg")
        info.type, info.linkname = tarfile.LNKTYPE, "a.jpg"
        archive.addfile(info)
    assert unpacked(tmp_path / "x.tar", tmp_path) == {"a.jpg": JPEG, "b.jpg": JPEG}


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_left_out_of_zips(mode: int, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link.jpg")
    info.external_attr = (mode | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert left_out(tmp_path / "x.zip", "not a file", tmp_path).passed


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
def test_encrypted_entries_are_left_out(flag: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.jpg": JPEG, "b.jpg": JPEG})
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.index(signature) + at
        data[place : place + 2] = struct.pack("<H", flag)
    path.write_bytes(data)
    left_out(path, "encrypted", tmp_path, others=1)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_bound_on_memory_are_left_out(method: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.jpg": bytes(100_000)}, method)
    left_out(path, "method that is not handled", tmp_path)


def test_a_folder_with_data_is_left_out(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.jpg": JPEG, "b.jpgX": JPEG})
    path.write_bytes(path.read_bytes().replace(b"b.jpgX", b"b.jpg/"))
    left_out(path, "folder with data", tmp_path, others=1)


def test_archives_in_archives_are_not_unpacked(tmp_path: Path) -> None:
    inner = {
        "holiday.jpg": zipped(tmp_path / "a", FILES).read_bytes(),
        "holiday.png": tarred(tmp_path / "b", FILES).read_bytes(),
        "holiday.gif": gzip.compress(JPEG),
        "holiday.bmp": bz2.compress(JPEG),
        "holiday.tif": lzma.compress(JPEG),
        "holiday.mov": b"\x28\xb5\x2f\xfd" + JPEG,
        "holiday.avi": b"Rar!\x1a\x07\x01\0" + JPEG,
        "holiday.mkv": b"7z\xbc\xaf\x27\x1c" + JPEG,
    }
    for name, data in inner.items():
        for make in (zipped, tarred):
            path = make(tmp_path / "x", {name: data, "a.jpg": JPEG})
            with open_archive(path, OPTIONS) as archive:
                with pytest.raises(UnsupportedError, match="archive in an archive"):
                    archive.extract(archive.members[0], tmp_path / "out")
                assert not (tmp_path / "out").exists()
                archive.extract(archive.members[1], tmp_path / "fine")
                (tmp_path / "fine").unlink()


@pytest.mark.parametrize("stub", [b"MZ" + bytes(500), b"\x7fELF" + bytes(3000), b"#!/bin/sh\n"])
def test_what_unpacks_itself_is_an_archive(stub: bytes, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.exe", FILES)
    path.write_bytes(stub + path.read_bytes())
    assert archive_kind(path) == "zip"
    assert unpacked(path, tmp_path) == FILES
    path.write_bytes(stub)
    assert archive_kind(path) is None


def test_tars_of_before_posix_are_read(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar", FILES)
    data, at = bytearray(path.read_bytes()), 0
    while data[at]:
        header = data[at : at + 512]
        header[257:] = bytes(255)  # no magic, no owner's name, no prefix
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        data[at : at + 512] = header
        at += 512 + (int(header[124:135], 8) + 511) // 512 * 512
    path.write_bytes(data)
    assert archive_kind(path) == "tar"
    assert unpacked(path, tmp_path) == FILES
    data[0] ^= 1  # now the checksum is wrong
    path.write_bytes(data)
    assert archive_kind(path) is None


# Bombs and lies


def test_a_bomb_of_zeros_is_refused_by_its_ratio(tmp_path: Path) -> None:
    files = {"a.bmp": bytes(20_000_000)}
    for path in (zipped(tmp_path / "x.zip", files), tarred(tmp_path / "x.tgz", files, "w:gz")):
        assert path.stat().st_size < 100_000
        refused(path, LimitError, "max_ratio")
        refused(path, LimitError, "max_unpacked", Options(max_unpacked=1000))
        with open_archive(path, Options(max_ratio=10_000)) as archive:
            assert archive.members[0].size == 20_000_000


@pytest.mark.slow
@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, gzip.compress])
def test_a_compressed_bomb_is_stopped_on_the_way(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(pack(tarred(tmp_path / "x", {"a.bmp": bytes(40_000_000)}).read_bytes()))
    tracemalloc = pytest.importorskip("tracemalloc")
    tracemalloc.start()
    refused(path, LimitError, "max_ratio")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


def overlapping(path: Path, entries: int) -> Path:
    """A zip whose entries all have the same kernel, in the manner of Fifield 2019."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = bytes(1_000_000)
    kernel = packer.compress(plain) + packer.flush()
    crc = zlib.crc32(plain)
    fields = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, crc, len(kernel), len(plain))
    local = b"PK\3\4" + fields + struct.pack("<HH", 5, 0) + b"a.jpg" + kernel
    table = b"".join(
        b"PK\1\2\x14\0" + fields + struct.pack("<HHHHHII", 5, 0, 0, 0, 0, 0, 0) + name
        for name in (b"%05d" % number for number in range(entries))
    )
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, entries, entries, len(table), len(local), 0)
    path.write_bytes(local + table + end)
    return path


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    path = overlapping(tmp_path / "x.zip", 50)
    refused(path, LimitError, "max_ratio")
    refused(path, UnreadableError, "overlap", Options(max_ratio=1e6))
    refused(overlapping(tmp_path / "y.zip", 2), UnreadableError, "overlap")


def test_an_entry_that_reaches_into_the_directory_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.jpg": JPEG}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")
    data[at + 20 : at + 28] = struct.pack("<II", len(JPEG) + 10, len(JPEG) + 10)
    path.write_bytes(data)
    refused(path, UnreadableError, "overlap")


@pytest.mark.parametrize("claimed", [10, len(JPEG) - 1, len(JPEG) + 1])
def test_a_lie_about_a_size_in_a_zip_is_found(claimed: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.jpg": JPEG})
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = data.index(signature) + at
        data[place : place + 4] = struct.pack("<I", claimed)
    path.write_bytes(data)
    target = tmp_path / "out"
    with pytest.raises(UnreadableError), open_archive(path, OPTIONS) as archive:
        archive.extract(archive.members[0], target)
    assert not target.exists()


def test_a_huge_claim_in_a_tar_is_refused_unread(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar", {"a.jpg": JPEG})
    data = path.read_bytes()
    info = tarfile.TarInfo("b.jpg")
    info.size = 1 << 50
    path.write_bytes(data[:1024] + info.tobuf(tarfile.GNU_FORMAT) + data[1024:])
    refused(path, LimitError, "max_")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_huge_headers_in_a_tar_are_not_read(kind: bytes, tmp_path: Path) -> None:
    header = tarfile.TarInfo("h")
    header.type, header.size = kind, 30_000_000
    with (tmp_path / "x.tar").open("wb") as file:
        file.write(header.tobuf(tarfile.USTAR_FORMAT))
        file.write(b"x" * 30_000_000)
        file.write(bytes(1024))
    refused(tmp_path / "x.tar", LimitError, "tables of the archive")


def test_a_huge_directory_in_a_zip_is_not_read(tmp_path: Path) -> None:
    names = {f"{number:0200d}.jpg": b"" for number in range(3000)}
    path = zipped(tmp_path / "x.zip", names)
    refused(path, LimitError, "tables of the archive", Options(max_entries=10))
    refused(path, LimitError, "more than 2999 entries", Options(max_entries=2999))


def test_xz_may_not_ask_for_much_memory(tmp_path: Path) -> None:
    big = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 28}]
    path = tmp_path / "x.xz"
    path.write_bytes(lzma.compress(tarred(tmp_path / "x", FILES).read_bytes()[:600], filters=big))
    refused(path, UnreadableError, "damaged")


# Damage


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_that_was_cut_off_is_named_as_such(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    _ = zipped(path, FILES) if mode == "zip" else tarred(path, FILES, mode)
    data = path.read_bytes()
    for part in (0.3, 0.45):  # of the plain tar the second leaves whole members
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(UnreadableError, match="damaged or cut off"):
            open_archive(path, OPTIONS)


def test_a_damaged_header_in_the_middle_of_a_tar_is_no_end(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar", FILES)
    data = bytearray(path.read_bytes())
    data[1024 + 148] ^= 7
    path.write_bytes(data)
    refused(path, UnreadableError, "damaged")


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_ends_otherwise_than_in_words(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "fuzzed"
    _ = zipped(path, FILES) if data.draw(st.booleans()) else tarred(path, FILES)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    target = tmp_path / "out"
    try:
        with open_archive(path, OPTIONS) as archive:
            for member in archive.members:
                target.unlink(missing_ok=True)
                archive.extract(member, target)
                assert target.stat().st_size == member.size
    except FaceVeilError:
        return


def test_what_is_no_archive_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    for content, words in (
        (JPEG, "no archive"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07\x01\0", "rar"),
        (gzip.compress(JPEG), "holds no tar"),
    ):
        path.write_bytes(content)
        refused(path, UnsupportedError, words)
    refused(tmp_path / "missing.zip", UnreadableError, "cannot be read")
    assert archive_kind(path) == "gzip"


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"mine")
    path = zipped(tmp_path / "x.zip", FILES)
    with open_archive(path, OPTIONS) as archive, pytest.raises(OutputError):
        archive.extract(archive.members[0], tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"mine"


# What is written


def written(target: Path, files: dict[str, bytes], tmp_path: Path) -> Path:
    with ArchiveWriter(target) as archive:
        for name, data in files.items():
            (tmp_path / "file").write_bytes(data)
            archive.add(PurePosixPath(name), tmp_path / "file")
        assert not target.exists()
        return archive.commit()


def test_what_is_written_tells_nothing_but_names_and_bytes(tmp_path: Path) -> None:
    files = FILES | {"照片/ü.jpg": JPEG}
    path = written(tmp_path / "x.zip", files, tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.comment == b""
        for info in archive.infolist():
            assert archive.read(info) == files[info.filename]
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert (info.extra, info.comment) == (b"", b"")
            assert info.external_attr >> 16 == stat.S_IFREG | 0o600
    assert unpacked(path, tmp_path) == files
    time.sleep(0.01)
    again = written(tmp_path / "y.zip", files, tmp_path)
    assert again.read_bytes() == path.read_bytes()


def test_what_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(JPEG)
    with ArchiveWriter(tmp_path / "x.zip") as archive:
        archive.add(PurePosixPath("a.jpg"), tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_would_be_refused_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(JPEG)
    with ArchiveWriter(tmp_path / "x.zip") as archive:
        with pytest.raises(UnsupportedError):
            archive.add(PurePosixPath("../a.jpg"), tmp_path / "file")
        archive.add(PurePosixPath("a.jpg"), tmp_path / "file")
        with pytest.raises(OutputError, match="several"):
            archive.add(PurePosixPath("A.jpg"), tmp_path / "file")
        with pytest.raises(OutputError):
            archive.add(PurePosixPath("b.jpg"), tmp_path / "missing")
    with pytest.raises(UsageError):
        ArchiveWriter(tmp_path / "file", tmp_path / "file")
