"""Pictures that stand in texts as letters: data URIs, base64 in XML and in mail, hexadecimal."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.kinds import HEAD, IMAGES, sniff

# The letters with which pictures begin, and drawings and texts that may hold some: JPEG, PNG, GIF,
# RIFF, TIFF, BMP, boxes of ISO files, XML, EMF, WMF, gzip, zip, PSD.
_SLASH: Final = rb"(?:\\?/|%2[Ff]|&\#47;|&\#x2[Ff];)"
_BEGINNINGS: Final = (
    _SLASH + rb"9j" + _SLASH + rb"|iVBORw0K|R0lGOD|UklGR|SUkq|TU0A|Qk|AAAA|PHN2Zy|PD94bW|PCFE"
    rb"|AQAA|183G|H4sI|UEsDB|0M8R4|JVBER|GkXf|SUm8|OEJQUw"
)
_LETTERS: Final = (
    rb"[A-Za-z0-9+/]+|\s+|%2[BbFf]|%0[AaDd]|&\#(?:[0-9]+|x[0-9A-Fa-f]+);|\\\r?\n|\\/|\\[rn]"
)
# The same beginnings in hexadecimal.
_HEX_BEGINNINGS: Final = (
    rb"ffd8ff|89504e470d0a|474946383|52494646|49492a00|4d4d002a|424d|01000000|d7cdc69a|01000900"
    rb"|504b0304|1f8b08|d0cf11e0|25504446|000000..66747970|0000000c6a50|3c3f786d|3c737667"
)
_LONG: Final = 400
"""Letters without a space from which on something may be base64, whatever it begins with."""
_RUN: Final = re.compile(
    rb"(?<![0-9A-WYZa-wyz])(?P<hex>(?=(?i:" + _HEX_BEGINNINGS + rb"))[0-9A-Fa-f\s]{160,})"
    rb"(?![0-9A-Za-z+/])"
    rb"|(?<![A-Za-z0-9+/%])(?=" + _BEGINNINGS + rb")(?:" + _LETTERS + rb")+(?:=|%3[Dd]){0,2}"
    rb"|(?<![A-Za-z0-9+/])(?!0[Xx])[A-Za-z0-9+/]{" + str(_LONG).encode() + rb",}={0,2}"
)
_BEGUN: Final = re.compile(
    rb"(?P<hex>(?!))|(?<![A-Za-z0-9+/%])(?=" + _BEGINNINGS + rb")(?:" + _LETTERS + rb")+"
    rb"(?:=|%3[Dd]){0,2}"
)
"""The same for texts without a long word, at a quarter of the time."""
_WORD: Final = bytes(
    97 if byte in b"+/" or (chr(byte).isascii() and chr(byte).isalnum()) else 32
    for byte in range(256)
)
_LONG_WORD: Final = b"a" * 60
_NOISE: Final = re.compile(rb"\s+|%0[AaDd]|&\#(?:[0-9]+|x[0-9A-Fa-f]+);|\\|=|%3[Dd]")
_REFERENCE: Final = re.compile(rb"&\#(?:([0-9]+)|x([0-9A-Fa-f]+));|\\[rn]")
_LEAST: Final = 80
"""Letters of the smallest picture that is looked for."""


def _numbers(*beginnings: tuple[bytes, ...]) -> bytes:
    """A pattern for pictures whose bytes are written as numbers, with signs between them."""
    between = rb"[^0-9a-z]{1,4}?(?:0x|x|u00)?"
    begun = b"|".join(between.join(one) for one in beginnings)
    # Fewer may be colours.
    return b"(?:" + begun + b")(?:" + between + rb"-?[0-9a-f]{1,3}){40}"


_OTHERWISE: Final = re.compile(
    rb"%ff%d8%ff|%89(?:PNG|%50%4e%47)|%47%49%46%38|=ff=d8=ff|=89PNG=?|data:image/[\w.+-]+,GIF8"
    rb"|\nbegin [0-7]{3,4} [^\r\n]+\r?\nM[\x20-\x60]{60}",
    re.IGNORECASE,
)
"""The beginnings of pictures in percent signs, quoted-printable and uuencode."""
_IN_NUMBERS: Final = re.compile(
    _numbers((b"ff", b"d8", b"ff"), (b"89", b"50", b"4e", b"47"), (b"255", b"216", b"255"))
    + b"|"
    + _numbers((b"-1", b"-40", b"-1"), (b"137", b"80", b"78", b"71")),
    re.IGNORECASE,
)
_FOR_ADDRESSES: Final = re.compile(
    rb"(?:iVBORw0K|R0lGOD|UklGR)[A-Za-z0-9]{0,999}[-_][A-Za-z0-9_-]{80}|_9j[-_][A-Za-z0-9_-]{80}"
)
"""The same in the letters of base64 that addresses can hold (RFC 4648, 5)."""
_DECLARED: Final = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)", re.IGNORECASE)
_MARK: Final = codecs.BOM_UTF8
_RARE: Final = (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE, b"\0\0\0<", b"<\0\0\0", b"Lo\xa7\x94")
"""The beginnings of texts in UTF-32 and EBCDIC."""
_SIGNS: Final = (b"/9j/", b"iVBORw0K", b"R0lGOD", b"UklGR", b"ffd8ff", b"89504e47", b"FFD8FF")
"""Letters that every text with a picture holds, if it is one of the usual kinds. Quickly found."""
_STEP: Final = 1 << 20
"""Bytes of a text that are looked through at once."""
SAVE_AGAIN: Final = say("Save it again with a newer program, and give that to FaceVeil.")
_ASCII: Final = "<!ENTITY &+/azAZ09=%\"'"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of letters that stands for bytes.

    Attributes:
        start, end: where it is in the text.
        data: the bytes.
        hex: they are written in hexadecimal, not in base64.
    """

    start: int
    end: int
    data: bytes
    hex: bool = False


def runs(text: bytes) -> Iterator[Run]:
    """Everything in a text that may be a picture written as letters."""
    pattern = _RUN if _LONG_WORD in text.translate(_WORD) else _BEGUN
    for found in pattern.finditer(text):
        if found.end() - found.start() < _LEAST:
            continue
        in_hex = found["hex"] is not None
        data = _from_hex(found[0]) if in_hex else _decoded(found[0])
        if data is not None:
            end = found.end() - (len(found[0]) - len(found[0].rstrip()))
            yield Run(found.start(), end, data, in_hex)


def holds_pictures(file: IO[bytes]) -> bool:
    """Whether a picture stands as letters anywhere in a text: a notebook, a contact, mails, data.

    Args:
        file: looked through from where it is.
    """
    text = b""
    while more := file.read(_STEP):
        text = text[-HEAD:] + more.replace(b"\0", b"")  # which UTF-16 has between the letters
        if any(sign in text for sign in _SIGNS) and any(
            sniff(run.data[:HEAD]) in IMAGES for run in runs(text)
        ):
            return True
    return False


def replaced(text: bytes, new: Mapping[int, bytes]) -> bytes:
    """The text with other bytes in some of its runs, each named by where it starts."""
    parts, at = [], 0
    for run in runs(text):
        if run.start in new:
            data = new[run.start]
            letters = data.hex().encode() if run.hex else base64.b64encode(data)
            parts += [text[at : run.start], letters]
            at = run.end
    return b"".join([*parts, text[at:]])


def is_written_otherwise(text: bytes) -> bool:
    """Whether a picture may stand in it in another way, which is not read here."""
    ways = (_OTHERWISE, _IN_NUMBERS, _FOR_ADDRESSES)
    return any(one.search(text) is not None for one in ways)


def is_readable(text: bytes) -> bool:
    """Whether a text, narrowed, is in an encoding in which it can be searched."""
    if text.startswith(_RARE):
        return False
    found = _DECLARED.match(without_mark(text)[:400])
    if found is None or found[1].lower() in (b"utf-8", b"utf-16", b"utf-16le", b"utf-16be"):
        return True
    try:
        return _ASCII.encode(found[1].decode()) == _ASCII.encode()
    except (LookupError, UnicodeError, ValueError):
        return False


def entities_refusal(name: str) -> UnsupportedError:
    """The error of a part that declares entities, which may stand for anything."""
    return UnsupportedError(
        say("a part of the document declares entities ({name})", name=name), SAVE_AGAIN
    )


def encoding_refusal(name: str) -> UnsupportedError:
    """The error of a part that is not `is_readable`."""
    return UnsupportedError(
        say("a part of the document is in a rare encoding ({name})", name=name), SAVE_AGAIN
    )


def without_mark(text: bytes) -> bytes:
    """A text without the mark of its encoding and the space before it begins."""
    return text.removeprefix(_MARK).lstrip()


def _decoded(letters: bytes) -> bytes | None:
    plain = _REFERENCE.sub(_meant, letters)
    plain = _NOISE.sub(b"", plain)
    plain = re.sub(rb"%2[Bb]", b"+", re.sub(rb"%2[Ff]", b"/", plain))
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return None


def _meant(found: re.Match[bytes]) -> bytes:
    """The letter that a reference of XML stands for; "" for ends of lines."""
    code = int(found[1]) if found[1] else int(found[2] or b"0", 16)
    return bytes([code]) if 32 < code < 127 else b""


def _from_hex(letters: bytes) -> bytes | None:
    plain = b"".join(letters.split())
    try:
        return bytes.fromhex(plain[: len(plain) & ~1].decode())
    except ValueError:
        return None


def narrowed(data: bytes) -> tuple[bytes, str]:
    """A text in UTF-8, and the encoding that it has; "" if its bytes are as they are."""
    for mark, code in (
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if data.startswith(mark) and data[:4] != codecs.BOM_UTF32_LE and data[2:4] != b"\0\0":
            try:
                return data.decode(code).encode(), code
            except UnicodeError:
                return data, ""
    return data, ""


def widened(text: bytes, code: str) -> bytes:
    """A text back in the encoding that it had."""
    return text.decode().encode(code) if code else text
