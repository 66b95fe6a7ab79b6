"""Blank files, in place of pictures that cannot be vouched for."""

from __future__ import annotations

import struct
from typing import Final

from faceveil.media.documents.recognize import COMPOUND

BLANK_PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010100000000376ef9240000000a49444154789c6368"
    "000000820081779ccc120000000049454e44ae426082"
)
"""One white pixel; a document stretches it to the size at which it shows the picture."""
BLANK_SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"/>'

_SECTOR: Final = 512
_FREE, _LAST, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def empty_compound() -> bytes:
    """A compound file with nothing in it (MS-CFB 2.2, 2.3, 2.6)."""
    header = COMPOUND + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    # Sectors of the directory (not counted in version 3), of the table, where the directory
    # begins, the transaction, the largest of the small streams, and the tables that are not there.
    header += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, _LAST, 0, _LAST, 0, 0)
    header += struct.pack("<I", _FREE) * 108
    table = struct.pack("<II", _TABLE, _LAST) + struct.pack("<I", _FREE) * (_SECTOR // 4 - 2)
    name = b"Root Entry\0".decode().encode("utf-16-le")
    root = name.ljust(64, b"\0") + struct.pack("<HBB", len(name), 5, 1)
    root += struct.pack("<III", _FREE, _FREE, _FREE) + bytes(16 + 4 + 16)
    root += struct.pack("<IQ", _LAST, 0)
    unused = bytes(68) + struct.pack("<III", _FREE, _FREE, _FREE) + bytes(48)
    return header + table + root + unused * 3


def blank_emf(data: bytes) -> bytes:
    """An enhanced metafile of the same size that draws nothing (MS-EMF 2.3.4.2, 2.3.4.1)."""
    header = bytearray(data[:88])
    ending = struct.pack("<IIIII", 14, 20, 0, 16, 20)
    struct.pack_into("<I", header, 4, 88)
    struct.pack_into("<IIHHIII", header, 48, 88 + len(ending), 2, 1, 0, 0, 0, 0)
    return bytes(header) + ending


def blank_wmf(data: bytes) -> bytes:
    """A metafile of the same size that draws nothing (MS-WMF 2.3.2.3, 2.3.2.2, 2.3.2.1)."""
    placed = data[:22] if data.startswith(b"\xd7\xcd\xc6\x9a") else b""
    header = struct.pack("<HHHIHIH", 1, 9, 0x0300, 9 + 3, 0, 3, 0)
    return placed + header + struct.pack("<IH", 3, 0)
