"""Data hidden in a fragmented MP4 or in the clusters of Matroska is named, wherever it lies."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from faceveil.media.leftovers import leftovers
from faceveil.media.metadata.matroska import matroska
from faceveil.media.metadata.mp4 import mp4
from videos import TOKEN, X264, compose, rewrite

INNER = {"moov", "mvex", "moof", "traf", "mfra", "trak", "edts", "mdia", "minf", "dinf", "stbl"}


class Place(NamedTuple):
    """A box: its type, where it begins, where its body begins, its end, and what it lies in."""

    kind: str
    at: int
    body: int
    end: int
    inside: tuple[int, ...]


def tree(data: bytes, at: int, end: int, inside: tuple[int, ...] = ()) -> Iterator[Place]:
    while at < end:
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8].decode()
        assert size >= 8
        yield Place(kind, at, at + 8, at + size, inside)
        if kind in INNER:
            yield from tree(data, at + 8, at + size, (*inside, at))
        at += size


def put(data: bytes, at: int, new: bytes, inside: tuple[int, ...]) -> bytes:
    """The same with bytes put in, and the boxes around them longer."""
    out = bytearray(data)
    for start in inside:
        size = int.from_bytes(out[start : start + 4], "big") + len(new)
        out[start : start + 4] = size.to_bytes(4, "big")
    out[at:at] = new
    return bytes(out)


def box(kind: str, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind.encode("latin-1")) + body


def names(data: bytes, walker: Callable[[bytes], Iterator[str]] = mp4) -> list[str]:
    found: list[str] = []
    try:
        found += walker(data)
    except (ValueError, IndexError, struct.error) as error:
        found.append(f"broken: {error}")
    return found


@pytest.fixture(scope="module")
def fragmented(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A clip with sound in fragments, with all the boxes that belong to them."""
    folder = tmp_path_factory.mktemp("fragments")
    clip = compose(
        folder / "in.mp4", settings=X264, sound="aac", aspect=Fraction(4, 3), colours=(1, 1, 1, 1)
    )
    clean = folder / "clean.mp4"
    rewrite(clip, clean)
    target = folder / "out.mp4"
    flags = {
        "movflags": "frag_keyframe+empty_moov+default_base_moof+global_sidx",
        "frag_duration": "300000",
        "fflags": "+bitexact",
    }
    with av.open(str(clean)) as file, av.open(str(target), "w", container_options=flags) as out:
        copies = {one.index: out.add_stream_from_template(one) for one in file.streams}
        for packet in file.demux():
            if packet.size:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    return target.read_bytes()


def test_the_clip_itself_is_clean(fragmented: bytes) -> None:
    kinds = {place.kind for place in tree(fragmented, 0, len(fragmented))}
    assert {"moof", "traf", "trun", "tfhd", "tfdt", "mvex", "trex", "mfra", "sidx"} <= kinds
    assert leftovers(fragmented) == []


@pytest.mark.parametrize(
    ("kind", "body", "name"),
    [
        ("udta", box("\xa9nam", b"a name"), "title"),
        ("udta", box("zzzz", b"x"), "metadata zzzz"),
        ("meta", b"\0\0\0\0" + box("ilst", box("\xa9too", b"x")), "software"),
        ("emsg", b"\0" * 30, "box emsg"),
        ("styp", b"isom\0\0\0\0", "box styp"),
        ("prft", b"\0" * 24, "box prft"),
        ("uuid", b"0123456789abcdef", "uuid"),
        ("free", b"where", "hidden 5 bytes"),
        ("subs", b"\0" * 8, "box subs"),
        ("senc", b"\0" * 8, "box senc"),
        ("\xff\0zz", b"", "box ??zz"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "",
)
def test_a_box_that_does_not_belong_is_named_at_every_level(
    fragmented: bytes, kind: str, body: bytes, name: str
) -> None:
    new = box(kind, body)
    tried = set()
    for place in tree(fragmented, 0, len(fragmented)):
        for at, inside in ((place.at, place.inside), (place.end, place.inside)):
            if not inside and kind in ("udta", "meta"):
                continue
            found = names(put(fragmented, at, new, inside))
            assert any(name in one for one in found), (place.kind, at, found)
            tried.add(len(inside))
    assert tried >= {1, 2, 3}


@pytest.mark.parametrize("kind", ["udta", "meta"])
def test_metadata_of_the_whole_file_are_named(fragmented: bytes, kind: str) -> None:
    assert names(fragmented + box(kind, box("zzzz", b"x"))) == [f"box {kind}"]


def test_bytes_behind_what_a_table_declares_are_named(fragmented: bytes) -> None:
    """In whichever box: a player reads none of them."""
    tried = set()
    for place in tree(fragmented, 0, len(fragmented)):
        if place.kind in INNER or place.kind in ("ftyp", "stsd"):
            continue
        longer = put(fragmented, place.end, b"51.5N 0.1W.."[:8], (*place.inside, place.at))
        assert names(longer), place.kind
        tried.add(place.kind)
    assert tried >= {"sidx", "tfra", "trun", "tfhd", "tfdt", "mdat", "trex", "mvhd", "dref"}


@pytest.mark.parametrize("kind", ["avcC", "esds", "pasp", "btrt", "colr"])
def test_bytes_behind_what_decoding_needs_are_named(fragmented: bytes, kind: str) -> None:
    at = fragmented.find(kind.encode()) - 4
    if at < 0:
        pytest.skip(f"the muxer wrote no {kind}")
    size = int.from_bytes(fragmented[at : at + 4], "big")
    around = [
        place.at
        for place in tree(fragmented, 0, len(fragmented))
        if place.at < at < place.end and place.kind != "mdat"
    ]
    entry = next(p for p in tree(fragmented, 0, len(fragmented)) if p.at == around[-1]).body + 8
    longer = put(fragmented, at + size, b"51.5N..!", (*around, entry, at))
    assert names(longer), kind


def test_what_no_sample_refers_to_is_counted(fragmented: bytes) -> None:
    places = [one for one in tree(fragmented, 0, len(fragmented)) if one.kind == "mdat"]
    assert len(places) > 1
    for place in places:
        more = put(fragmented, place.end, TOKEN.encode(), (place.at,))
        assert names(more) == [f"unreferenced {len(TOKEN)} bytes"]
    assert names(fragmented + box("mdat", b"12345")) == ["unreferenced 5 bytes"]


def test_recordings_are_clean(tmp_path: Path, fragmented: bytes) -> None:
    """The usual form of the same file has nothing hidden either."""
    source = tmp_path / "in.mp4"
    source.write_bytes(fragmented)
    for suffix in (".mp4", ".mov"):
        target = tmp_path / f"out{suffix}"
        rewrite(source, target)
        assert leftovers(target) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_bytes_behind_tables_are_named_without_fragments(
    fragmented: bytes, suffix: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.mp4", tmp_path / f"out{suffix}"
    source.write_bytes(fragmented)
    rewrite(source, target)
    data = target.read_bytes()
    tried = set()
    for place in tree(data, 0, len(data)):
        if place.kind not in INNER and place.kind not in ("ftyp", "stsd"):
            longer = put(data, place.end, b"51.5N..!", (*place.inside, place.at))
            assert names(longer), place.kind
            tried.add(place.kind)
    assert tried >= {"stts", "stsz", "stsc", "stco", "elst", "tkhd", "mdhd", "hdlr", "mdat"}


# Matroska

Element = tuple[int, "list[Element] | bytes"]
MASTERS = {
    0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0xE1, 0x1F43B675, 0xA0, 0x75A1,
    0xA6, 0x114D9B74, 0x4DBB, 0x1C53BB6B, 0xBB, 0xB7, 0x1254C367, 0x7373, 0x63C0, 0x67C8, 0x55B0,
}  # fmt: skip


def parsed(data: bytes) -> list[Element]:
    found: list[Element] = []
    at = 0
    while at < len(data):
        kind, at = number(data, at, True)
        size, at = number(data, at, False)
        body = data[at : at + size]
        found.append((kind, parsed(body) if kind in MASTERS else body))
        at += size
    return found


def number(data: bytes, at: int, marked: bool) -> tuple[int, int]:
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return value if marked else value & (1 << 7 * length) - 1, at + length


def written(elements: list[Element]) -> bytes:
    out = b""
    for kind, body in elements:
        inner = body if isinstance(body, bytes) else written(body)
        out += kind.to_bytes((kind.bit_length() + 7) // 8, "big")
        out += (1 << 56 | len(inner)).to_bytes(8, "big") + inner
    return out


def with_each(elements: list[Element], new: Element) -> Iterator[tuple[list[Element], int]]:
    """The file with an element put in, at each place in turn, and how deep that is."""
    for place in range(len(elements) + 1):
        yield [*elements[:place], new, *elements[place:]], 0
    for place, (kind, body) in enumerate(elements):
        if not isinstance(body, bytes):
            for inside, depth in with_each(body, new):
                yield [*elements[:place], (kind, inside), *elements[place + 1 :]], depth + 1


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> list[Element]:
    """A clip with sound in several clusters, one with a group of blocks."""
    folder = tmp_path_factory.mktemp("clusters")
    clip = compose(
        folder / "in.mkv",
        times=range(12),
        settings=X264,
        sound="aac",
        aspect=Fraction(4, 3),
        colours=(1, 1, 1, 1),
        container={"cluster_time_limit": "200"},
    )
    rewrite(clip, folder / "out.mkv")
    whole = parsed((folder / "out.mkv").read_bytes())
    segment = dict(whole)[0x18538067]
    assert not isinstance(segment, bytes)
    first = next(body for kind, body in segment if kind == 0x1F43B675)
    assert not isinstance(first, bytes)
    block = next(body for kind, body in first if kind == 0xA3)
    segment.append((0x1F43B675, [(0xE7, b"\0"), (0xA0, [(0xA1, block), (0x9B, b"\x28")])]))
    return whole


def test_the_clusters_are_clean(clusters: list[Element]) -> None:
    assert names(written(clusters), matroska) == []


TAG: Element = (0x7373, [(0x63C0, []), (0x67C8, [(0x45A3, b"GPS"), (0x4487, b"51.5N")])])


@pytest.mark.parametrize(
    ("new", "name"),
    [
        ((0xEC, b"51.5N"), "hidden 5 bytes"),
        ((0x1254C367, [TAG]), "GPS|element 1254C367"),
        ((0x1254C367, [(0x67C8, [(0x45A3, b"DURATION"), (0x4487, b"at home")])]), "67C8|1254C367"),
        ((0x4DFF, b"51.5N"), "element 4DFF"),
        ((0xAF, b"51.5N"), "element AF"),
        ((0xBF, b"51.5N and more"), "hidden 14 bytes in BF|element BF"),
        ((0x1941A469, [(0x61A7, b"51.5N")]), "attachments|element 1941A469"),
        ((0x75A1, [(0xA6, [(0xEE, b"\4"), (0xA5, b"51.5N")])]), "block addition 4|element 75A1"),
        ((0xA3, b"\x89\0\0\0 51.5N"), "block of no track|element A3"),
        ((0xB3, b"51.5N and more"), "hidden 14 bytes in B3|element B3"),
    ],
    ids=[
        "void",
        "tags",
        "duration",
        "unknown",
        "encrypted",
        "checksum",
        "attachment",
        "addition",
        "block",
        "number",
    ],
)
def test_an_element_that_does_not_belong_is_named_at_every_level(
    clusters: list[Element], new: Element, name: str
) -> None:
    depths = set()
    for elements, depth in with_each(clusters, new):
        found = names(written(elements), matroska)
        # What is inside a tag is part of it.
        wanted = [*name.split("|"), *(["tag DURATION"] if depth == 4 else [])]
        assert any(part in one for one in found for part in wanted), (depth, found)
        depths.add(depth)
    assert depths >= {0, 1, 2, 3}


def test_no_number_is_longer_than_a_number(clusters: list[Element]) -> None:
    def leaves(elements: list[Element]) -> Iterator[tuple[int, bytes]]:
        for kind, body in elements:
            if isinstance(body, bytes):
                yield kind, body
            else:
                yield from leaves(body)

    def longer(elements: list[Element], wanted: int) -> list[Element]:
        return [
            (kind, body + b"51.5N, 0.1W here"[: 17 - len(body)] if kind == wanted else body)
            if isinstance(body, bytes)
            else (kind, longer(body, wanted))
            for kind, body in elements
        ]

    kinds = {kind for kind, _ in leaves(clusters)} - {0xEC, 0x63A2, 0xA3, 0xA1}
    assert len(kinds) > 20
    for kind in kinds:
        assert names(written(longer(clusters, kind)), matroska), f"{kind:X}"
