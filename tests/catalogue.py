"""Brings the catalogue of a language up to date with the code, or begins one.

    python tests/catalogue.py zh

What the code says and the catalogue lacks is added without a translation; what nobody says any more
goes. What the system and libraries say stays: it is translated where somebody has met it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Set
from pathlib import Path

import faceveil
import messages
from faceveil.i18n.po import read_po

PACKAGE = Path(faceveil.__file__).parent


def updated(text: str, language: str, known: dict[str, str], said: Set[str]) -> str:
    """A catalogue in its one form: sorted by the messages.

    Args:
        text: as it is, for the comment that it begins with.
        known: the translations in it.
        said: what is to be in it.
    """
    head = text[: text.index('msgid ""')] if text else ""
    parts = [
        f'{head}msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
    ]
    for id in sorted(said, key=lambda id: (id.lower(), id)):
        parts.append(f"msgid {_quoted(id)}\nmsgstr {_quoted(known.get(id, ''))}\n")
    return "\n".join(parts)


def update(path: Path, said: Set[str]) -> int:
    """Write a catalogue anew; returns how many messages it does not translate."""
    known = read_po(path) if path.exists() else {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(updated(text, path.stem, known, said), encoding="utf-8")
    return len(said - known.keys())


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    catalogue = PACKAGE / "i18n" / f"{sys.argv[1]}.po"
    there = read_po(catalogue).keys() if catalogue.exists() else set[str]()
    said = messages.ids(PACKAGE) | {"; "} | (there & messages.of_others())
    print(f"{catalogue}: {update(catalogue, said)} messages to translate")
