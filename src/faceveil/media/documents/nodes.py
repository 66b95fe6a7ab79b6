"""The things in a document: pictures, films, and what holds further ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Read = Callable[[], bytes]
New = Mapping["Node", bytes]
"""The bytes that take the place of pictures and films."""


@dataclass(eq=False)
class Still:
    """A picture file.

    Attributes:
        name: the part, and the number of the picture in it if it holds several.
        kind: as `sniff` has it.
        read: gives its bytes.
        fixed: no other picture can take its place; what holds it has to go as a whole.
    """

    name: str
    kind: str
    read: Read
    fixed: bool = False

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.read()).hexdigest()


@dataclass(eq=False)
class Clip:
    """A film or a PDF: a file that is worked on by itself. ``read`` gives its bytes."""

    name: str
    kind: str
    read: Read


@dataclass(eq=False)
class Gone:
    """Something that is not kept.

    Attributes:
        data: what takes its place; None: nothing, and no link leads to it.
        why: the words of a warning; "": nobody would miss it.
    """

    name: str
    data: bytes | None
    why: str = ""


@dataclass(eq=False)
class Nest:
    """Something that holds pictures.

    Attributes:
        inner: each thing in it, by its place.
        build: makes the whole anew, from other bytes for some of the places.
        always: it is made anew even if nothing in it changed.
    """

    name: str
    inner: dict[Any, Node]
    build: Callable[[Mapping[Any, bytes | None]], bytes]
    always: bool = False


Node = Still | Clip | Gone | Nest


def leaves(node: Node) -> Iterator[Still | Clip | Gone]:
    """All that lies in a part, in the order in which it is stored."""
    if isinstance(node, Nest):
        for one in node.inner.values():
            yield from leaves(one)
    else:
        yield node


def changes(inner: Mapping[Any, Node], new: New) -> dict[Any, bytes | None]:
    """Other bytes for the places of which something changed; None: it is dropped."""
    found: dict[Any, bytes | None] = {}
    for place, node in inner.items():
        if isinstance(node, Gone):
            found[place] = node.data
        elif isinstance(node, Nest):
            within = changes(node.inner, new)
            if within or node.always:
                found[place] = node.build(within)
        elif node in new:
            found[place] = new[node]
    return found


@dataclass
class Budget:
    """All that may still be unpacked, and that was found, of all documents in a document together.

    Attributes:
        bytes, parts: how many more.
        depth: of the document in others.
        notes, warnings: for the report.
        beside: what is neither text nor picture, and not kept.
    """

    bytes: int
    parts: int
    depth: int = 0
    notes: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    beside: dict[str, None] = field(default_factory=dict)
