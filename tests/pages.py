"""The documents as somebody reads them who types what they say."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs"
PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.glob("*.md")])


def blocks(page: Path, language: str = "sh") -> list[str]:
    """The fenced blocks of a language, in order."""
    fenced = rf"^ *```{language}\n(.*?)^ *```$"
    found = re.findall(fenced, page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


def commands(block: str) -> Iterator[str]:
    """The command lines of a shell block, each whole and without its comment."""
    for line in block.replace("\\\n", " ").splitlines():
        if command := re.sub(r"(^|\s+)#.*", "", line).strip():
            yield command
