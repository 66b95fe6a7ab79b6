"""SVG drawings without what no program shows.

They are searched, never parsed, like all texts of a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_ROOT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?+(?:\s|<\?.*?\?>|<!--.*?-->|<![^>\[]*+(?:\[.*?\]\s*+)?+>)*+<(?:\w++:)?+svg\b",
    re.DOTALL,
)
_TAG: Final = re.compile(rb"<[^\s/>\"']*+(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_NAME: Final = re.compile(rb"<(?:[\w-]++:)?+(?P<name>[\w-]++)")
_UNSHOWN: Final = (b"metadata", b"xmpmeta", b"RDF", b"pgf", b"aipgf")
"""Elements without a picture. What Illustrator keeps to edit the drawing again (pgf, aipgf) is a
whole file of its own, packed, with every picture in it.
"""
_PATHS: Final = re.compile(
    rb"\s(?:inkscape:export-(?:filename|batch-path)|sodipodi:(?:docname|docbase|absref))\s*+=\s*+"
    rb"(?:\"[^\"]*\"|'[^']*')"
)
_DIAGRAM: Final = re.compile(rb"\scontent\s*+=\s*+(?:\"[^\"]*\"|'[^']*')")
"""The diagram that draw.io keeps to edit it again, packed, with every picture in it."""
_ASIDE: Final = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"))
_SIGNS: Final = (b"<!--", b"inkscape:export-", b"sodipodi:", b"content", *_UNSHOWN)


def lean_svg(text: bytes) -> bytes:
    """A drawing without comments, metadata, paths, and the file that a program made it from; any
    other text, and a drawing that no program can read, as it is.
    """
    if not any(one in text for one in _SIGNS) or not _ROOT.match(text):
        return text
    try:
        return b"".join(_kept(text))
    except ValueError:
        return text


def _kept(text: bytes) -> Iterator[bytes]:
    """Its pieces. Raises ValueError where it is cut off."""
    at, first = 0, True
    while (start := text.find(b"<", at)) >= 0:
        yield text[at:start]
        for begin, end in _ASIDE:
            if text.startswith(begin, start):
                at = text.index(end, start + len(begin)) + len(end)
                if begin != b"<!--":
                    yield text[start:at]
                break
        else:
            tag = _TAG.match(text, start)
            if tag is None:
                raise ValueError("cut off")
            at, name = tag.end(), _NAME.match(tag[0])
            if name is not None and name["name"] in _UNSHOWN:
                if not tag[0].endswith(b"/>"):
                    at = text.index(b">", text.index(b"</" + name[0][1:], at)) + 1
                continue
            element = _PATHS.sub(b"", tag[0])
            if first and name is not None:
                element, first = _DIAGRAM.sub(b"", element, count=1), False
            yield element
    yield text[at:]
