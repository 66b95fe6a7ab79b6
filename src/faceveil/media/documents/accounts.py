"""Accounts of those who wrote an office file or commented on it. Their names are shown, and stay.

An account is an address, or a number that a company's directory or Microsoft knows, and the number
by which comments refer to somebody may be the same in all documents of that person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from faceveil.i18n import say

ACCOUNTS: Final = say("accounts of authors")

_LEADS: Final = ("/person", "/people", "/authors")
"""Ends of the types of relationships that lead to authors (MS-XLSX 2.6.205, MS-DOCX 2.7.3 and
MS-PPTX 2.2.13)."""
_TAG: Final = re.compile(
    rb"<(?:\w+:)?\w+\s[^<>]*\buser(?:Id|Name)\s*=[^<>]*>|<[^<>]*\srefreshedBy\s*=[^<>]*>"
)
# Word writes these names with a prefix, the others without.
_ID: Final = re.compile(rb"(\s(?:\w+:)?userId\s*=\s*)(?:\"[^\"]*\"|'[^']*')")
_PROVIDER: Final = re.compile(
    rb"(\s(?:\w+:)?(?:providerId|userProvider)\s*=\s*)(?:\"[^\"]*\"|'[^']*')"
)
_NAME: Final = re.compile(
    rb"\s(?:\w+:)?(?:displayName|userName|author|name)\s*=\s*(\"[^\"]*\"|'[^']*')"
)
_ALONE: Final = re.compile(
    rb"(?P<pivot>^<(?:\w+:)?pivotCacheDefinition\b.*?)\s(?:\w+:)?refreshedBy\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    rb"|(?P<shared>^<(?:\w+:)?fileSharing\b.*?)\suserName\s*=\s*(?:\"[^\"]*\"|'[^']*')",
    re.DOTALL,
)
"""Names of users that no page shows: who refreshed a table (ISO/IEC 29500-1, 18.10.1.67), and who
asked others not to change the file (18.2.12)."""
_NUMBER: Final = re.compile(
    rb"\sid\s*=\s*[\"'](\{[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\})[\"']", re.IGNORECASE
)
_NOBODY: Final = b'"None"'
"""Names that programs write for somebody who has not signed in."""
_BEFORE: Final = 4096
"""Bytes before an account in which the name of its owner is looked for."""


def tells_authors(kind: str) -> bool:
    """Whether a relationship of this type, in lower case, leads to the authors of comments."""
    return kind.endswith(_LEADS)


def new_numbers(texts: Iterable[bytes]) -> dict[bytes, bytes]:
    """Other numbers for the authors in these parts: number in lower case -> number."""
    found: dict[bytes, bytes] = {}
    for text in texts:
        for tag in _TAG.finditer(text):
            number = _NUMBER.search(tag[0])
            if number is not None and _PROVIDER.search(tag[0]):
                new = b"{00000000-0000-4000-8000-%012X}" % (len(found) + 1)
                found.setdefault(number[1].lower(), new)
    return found


def without_accounts(text: bytes, numbers: Mapping[bytes, bytes]) -> bytes:
    """A part without the accounts in it.

    Args:
        numbers: the new ones, see `new_numbers`.
    """
    if numbers:
        pattern = b"|".join(map(re.escape, numbers))
        text = re.sub(pattern, lambda found: numbers[found[0].lower()], text, flags=re.IGNORECASE)
    if b"userId" not in text and b"userName" not in text and b"refreshedBy" not in text:
        return text

    def change(found: re.Match[bytes]) -> bytes:
        tag = found[0]
        if not _PROVIDER.search(tag):
            return _ALONE.sub(lambda one: one["pivot"] or one["shared"], tag)
        before = text[max(0, found.start() - _BEFORE) : found.start()]
        named = [*_NAME.finditer(before), *_NAME.finditer(tag)]
        name = named[-1][1] if named else b'""'
        return _PROVIDER.sub(rb"\1" + _NOBODY, _ID.sub(lambda one: one[1] + name, tag))

    return _TAG.sub(change, text)
