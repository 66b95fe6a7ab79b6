"""Read catalogues: PO files of GNU gettext, as translators' tools write them.

They are read directly, because a compiled copy of each would be one more file to maintain. Contexts
and plural forms of gettext are not used.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

_LINE: Final = re.compile(r'(?:(msgid|msgstr)\s+)?("(?:[^"\\]|\\.)*")\s*')


def read_po(path: Path) -> dict[str, str]:
    """Each message with its translation; untranslated ones are left out.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such catalogue.
    """
    found: dict[str, str] = {}
    for entry in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        texts = {"msgid": "", "msgstr": ""}
        part, fuzzy = "", False
        for line in entry.splitlines():
            if line.startswith("#"):
                fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
                continue
            if not line.strip():
                continue
            read = _LINE.fullmatch(line)
            if read is None:
                raise ValueError(f"{path.name}: {line}")
            part = read[1] or part
            texts[part] += json.loads(read[2])
        if texts["msgid"] and texts["msgstr"] and not fuzzy:
            found[texts["msgid"]] = texts["msgstr"]
    return found
