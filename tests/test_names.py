"""Names: what outputs are called, and that nothing in a name is lost or does harm."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands import faceveil, faceveil_bytes
from faceveil.batch.places import places_of
from faceveil.errors import UnsupportedError
from faceveil.evidence.html import page
from faceveil.media.archives.archive import open_archive
from faceveil.media.archives.entries import Member
from faceveil.media.archives.name_codes import CODES, guess
from faceveil.media.names import (
    LONGEST,
    clashing,
    is_shortened,
    key_of,
    originals,
    told_apart,
    veiled_name,
)
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system.files import length, shortened
from faceveil.system.text import as_json, shown, utf8

pytestmark = pytest.mark.slow

JPEG = b"\xff\xd8\xff\xe0" + b"not really" * 50
SUFFIXES = (".jpg", ".JPG", ".jpeg", ".png", ".webp", ".gif", ".tif", ".mp4", ".zip")

# What outputs are called


def test_outputs_are_called_after_their_inputs() -> None:
    assert veiled_name("x.jpg", ".jpg") == "x.veiled.jpg"
    assert veiled_name("x.JPG", ".JPG") == "x.veiled.JPG"
    assert veiled_name("x.heic", ".jpg") == "x-heic.veiled.jpg"
    assert veiled_name("x.tar.gz", ".zip") == "x.tar-gz.veiled.zip"
    assert veiled_name("x", ".jpg") == "x.veiled.jpg"


@pytest.mark.parametrize(
    ("names", "renamed"),
    [
        (["scan", "scan.jpg"], {"scan"}),
        (["IMG_1.jpg", "IMG_1-jpg.png"], {"IMG_1.jpg"}),
        (["a.JPG", "a.jpg"], {"a.jpg"}),
        (["ü.jpg", "u\u0308.jpg"], {"ü.jpg"}),
        (["straße.jpg", "STRASSE.jpg"], {"straße.jpg"}),
        (["x.heic", "x-heic", "x-heic.jpg"], {"x-heic", "x.heic"}),
        (["IMG_1.heic", "IMG_1.jpg", "IMG_1.mov", "IMG_2.jpg"], set()),  # as iPhones name them
        (["a.jpg", "b.jpg", "a.png"], set()),
    ],
)
def test_only_who_could_share_a_name_gets_another(names: list[str], renamed: set[str]) -> None:
    assert clashing([(name, name) for name in names]) == renamed
    assert clashing([(name, name) for name in names[::-1]]) == renamed


def test_an_input_that_looks_like_an_output_is_not_written_over() -> None:
    names = ["x.jpg", "x.veiled.jpg"]
    assert clashing([(name, name) for name in names], beside=names) == {"x.jpg"}
    assert clashing([(name, name) for name in names]) == set()


PIECES = [
    "a",
    "A",
    "b",
    "-",
    ".",
    "jpg",
    ".jpg",
    ".JPG",
    ".png",
    "-jpg",
    ".veiled",
    "ü",
    "ü",
    "ß",
    "ss",
    "~",
]
pieces = st.sampled_from([*PIECES, "照片" * 30, "x" * 120, " "])
names_of_files = (
    st.lists(pieces, min_size=1, max_size=5)
    .map("".join)
    .filter(lambda name: name.strip(". ") and length(name) <= LONGEST)
)


@given(st.sets(names_of_files, min_size=1, max_size=12), st.data())
def test_no_two_inputs_share_an_output(names: set[str], data: st.DataObject) -> None:
    """For inputs of any kind: the kind of a file is known only when it is read."""
    apart = clashing([(name, name) for name in names])
    outputs = dict[str, str]()
    for name in sorted(names):
        called = told_apart(name) if name in apart else name
        own = PurePosixPath(name).suffix
        suffix = data.draw(st.sampled_from((own, *SUFFIXES) if own in SUFFIXES else SUFFIXES))
        output = veiled_name(called, suffix)
        assert length(output) <= LONGEST
        assert output.endswith(suffix)
        assert key_of(output) not in outputs, (name, outputs[key_of(output)])
        outputs[key_of(output)] = name
        assert name in originals([output], names)[output]


@given(st.lists(st.tuples(st.sampled_from(["", "d/", "D/", "con/"]), names_of_files), max_size=8))
def test_no_two_members_share_a_place(given: list[tuple[str, str]]) -> None:
    members = [Member(PurePosixPath(folder + name), 1, n) for n, (folder, name) in enumerate(given)]
    places = places_of(members)
    for suffix in SUFFIXES:
        targets = [key_of(PurePosixPath(at, veiled_name(name, suffix))) for at, name in places]
        assert len(set(targets)) == len(members)


def test_members_go_where_every_system_can_unpack_them() -> None:
    names = ("con/aux.jpg", "a./b .jpg", 'c/x:y?"z.jpg', "d/e.jpg. ", "x" * 300 + "/" + "y" * 300)
    for place, name in places_of([Member(PurePosixPath(one), 1) for one in names]):
        for part in (*place.parts, name):
            assert part.lower().split(".")[0] not in ("con", "aux")
            assert not part.endswith((".", " "))
            assert not set(part) & set('<>:"|?*')
            assert length(part) <= LONGEST


@pytest.mark.parametrize("stem", ["x" * 246, "照" * 82, "é" * 123, "👪" * 61])
def test_long_names_are_cut_by_bytes_and_stay_apart(stem: str) -> None:
    ones = [veiled_name(f"{stem}{number}.jpg", ".jpg") for number in range(5)]
    assert len(set(ones)) == 5
    for one in ones:
        assert length(one) <= LONGEST
        assert one.endswith(".veiled.jpg")
        assert one.startswith(stem[:40])
    assert is_shortened(f"{stem}1.jpg", ".jpg")
    assert not is_shortened("x.jpg", ".jpg")


def test_a_text_is_shortened_between_signs() -> None:
    assert shortened("照片", 5) == "照"
    assert shortened("abc", 5) == "abc"


# Names in archives


class Raw(zipfile.ZipInfo):
    """An entry whose name is in a code of its own, and does not say so."""

    page, claimed = "gbk", False

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        flags = self.flag_bits | 0x800 if self.claimed else self.flag_bits & ~0x800
        return self.filename.encode(self.page), flags


def packed(path: Path, names: list[str], code: str, *, claimed: bool = False) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for name in names:
            info = Raw(name)
            info.page, info.claimed = code, claimed
            out.writestr(info, JPEG)
    return path


NAMES = {
    "gbk": ["照片/家庭.jpg", "新建文件夹/微信图片.jpg", "婚礼.jpg", "王芳 身份证.jpg", "ASCII.jpg"],
    "big5": ["相片/家庭.jpg", "新增資料夾/圖片.jpg", "婚禮.jpg", "許功蓋.jpg"],
    "shift-jis": ["写真/家族.jpg", "新しいフォルダー/画像.jpg", "ソニー.jpg", "結婚式.jpg"],
    "euc-kr": ["사진/가족.jpg", "새 폴더/이미지.jpg", "결혼식.jpg", "졸업식.jpg"],
    "windows-1252": ["Été/plage.jpg", "Müller & Söhne.jpg", "café.jpg", "Noël.jpg"],
    "cp437": ["Été/plage.jpg", "Müller.jpg", "café.jpg", "Noël.jpg"],
}


@pytest.mark.parametrize("code", NAMES)
def test_names_are_read_in_the_code_they_are_written_in(code: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", NAMES[code], CODES[code])
    with open_archive(path, Options()) as archive:
        assert [str(one.name) for one in archive.members] == NAMES[code]
        assert archive.notes == (
            f"names in the archive were read as {code}; --names-in says otherwise",
        )
        archive.extract(archive.members[0], tmp_path / "out")
    with tarfile.open(tmp_path / "x.tar", "w", encoding=CODES[code]) as tar:
        for name in NAMES[code]:
            info = tarfile.TarInfo(name)
            info.size = len(JPEG)
            tar.addfile(info, io.BytesIO(JPEG))
    with open_archive(tmp_path / "x.tar", Options()) as archive:
        assert [str(one.name) for one in archive.members] == NAMES[code]


def test_a_single_short_name_is_read_rightly_nine_times_in_ten() -> None:
    tried = [(name, code) for code, names in NAMES.items() for name in names if not name.isascii()]
    right = [guess([name.encode(CODES[code])]) == code for name, code in tried]
    assert sum(right) >= 0.9 * len(tried)


def test_names_in_says_what_the_archive_does_not(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ["Stra\u00dfe.jpg"], "cp437")
    with open_archive(path, Options(names_in="cp437")) as archive:
        assert str(archive.members[0].name) == "Straße.jpg"
        assert archive.notes == ()
    with open_archive(path, Options(names_in="windows-1252")) as archive:
        assert str(archive.members[0].name) == "Stra\u00e1e.jpg"


@pytest.mark.parametrize("crc", [0, 1], ids=["right", "wrong"])
@pytest.mark.parametrize("claimed", [False, True])
def test_the_field_for_names_in_unicode_is_read(crc: int, claimed: bool, tmp_path: Path) -> None:
    info, wanted = Raw("?.jpg"), "照片.jpg"
    info.claimed = claimed
    body = struct.pack("<BI", 1, zlib.crc32(b"?.jpg") ^ crc) + wanted.encode()
    info.extra = struct.pack("<HH", 0x7075, len(body)) + body
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr(info, JPEG)
    with open_archive(tmp_path / "x.zip", Options()) as archive:
        assert str(archive.members[0].name) == ("?.jpg" if crc else wanted)
        assert archive.notes == ()
        archive.extract(archive.members[0], tmp_path / "out")


def test_a_name_that_is_not_the_utf8_it_claims_to_be_costs_nothing(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", NAMES["gbk"], "gbk", claimed=True)
    with open_archive(path, Options()) as archive:
        assert [str(one.name) for one in archive.members] == NAMES["gbk"]
        for member in archive.members:
            archive.extract(member, tmp_path / str(member.number))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=6))
def test_any_bytes_are_a_name_or_are_left_out(tmp_path: Path, raw: list[bytes]) -> None:
    path = tmp_path / "x.zip"
    names = [name.replace(b"\0", b"0").decode("cp437") for name in raw]
    if any(name.endswith(("/", "\\")) for name in names):
        return  # folders
    packed(path, names, "cp437")
    try:
        with open_archive(path, Options()) as archive:
            assert len(archive.members) + len(archive.left_out) == len(raw)
            for member in archive.members:
                archive.extract(member, tmp_path / "out")
                (tmp_path / "out").unlink()
    except UnsupportedError as error:
        if "leaves its folder" not in str(error):
            raise


# Names that are shown and saved

EVIL = "a\x1b[2J\x07\nfaceveil: ok\u202egpj\x9b31m.jpg"
NO_UTF8 = os.fsdecode(b"caf\xe9.jpg")


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert shown(EVIL) == r"a\x1b[2J\x07\x0afaceveil: ok\u202egpj\x9b31m.jpg"
    assert shown(NO_UTF8) == r"caf\xe9.jpg"
    assert shown("照片 é.jpg") == "照片 é.jpg"


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_comes_back_from_json_and_none_reaches_a_terminal(name: str) -> None:
    line = as_json({"file": name})
    assert json.loads(line) == {"file": name}
    for text in (line, shown(name)):
        text.encode()
        assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in text)
    utf8(name).encode()


def test_reports_and_pages_can_be_saved_whatever_names_hold() -> None:
    report = Report("partial", NO_UTF8, EVIL, warnings=(f"{NO_UTF8}: {EVIL}",))
    assert json.loads(report.to_json().encode())["input"] == NO_UTF8
    assert r"caf\xe9.jpg" in page([(report, [])]).encode().decode()


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_the_command_works_with_any_name(tmp_path: Path, photo: Path, detector: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (EVIL.encode(), b"caf\xe9.jpg", b"\xff\xfe", ("照" * 83 + ".jpg").encode()):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(photo.read_bytes())
    (folder / "bad\x1b]0;x\x07.jpg").write_bytes(b"\xff\xd8\xffnone")
    out = tmp_path / "out"
    command: list[str | Path] = ["veil", folder, "-o", out, "--jobs", "1"]
    command += ["--min-face", "40", "--report", tmp_path / "r.jsonl"]
    command += ["--report-html", tmp_path / "r.html", "--manifest", tmp_path / "m.jsonl"]
    for more in ([], ["--resume"]):
        done = faceveil_bytes(*command, *more)
        assert done.returncode == 1, done.stderr
        assert done.stderr.count(b"the JPEG data is") == 1
        for sign in done.stdout + done.stderr:
            assert sign == 10 or 32 <= sign != 127
        for text in (done.stdout, done.stderr):
            assert not set(text.decode()) & {"\x9b", "\u202e"}
        if not more:
            assert done.stdout.count(b" -> ") == 4
            lines = (tmp_path / "r.jsonl").read_bytes().decode().splitlines()
            assert {json.loads(line)["input"] for line in lines} >= {NO_UTF8, EVIL}
            assert (tmp_path / "r.html").read_bytes().decode()
        else:
            assert done.stdout == b""  # the manifest knows them all
    written = list(out.iterdir())
    assert len(written) == 4
    assert all(path.read_bytes() for path in written)
    found = faceveil("detect", folder, "--json", "--min-face", "40")
    assert len([json.loads(line) for line in found.stdout.splitlines()]) == 4


def test_a_terminal_without_the_signs_of_a_name_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "照片.jpg").write_bytes(b"\xff\xd8\xffnone")
    for arguments, words in (
        (["check", tmp_path / "照片.jpg"], rb"\u7167\u7247.jpg: the JPEG data"),
        (["veil", "-\x1b[2J.jpg"], rb"no such option: -\x1b[2J.jpg"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "faceveil", *arguments],
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": "ascii"},
            timeout=100,
            check=False,
        )
        assert words in done.stderr
        assert done.returncode in (2, 3)
