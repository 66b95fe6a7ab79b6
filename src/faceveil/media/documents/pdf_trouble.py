"""Trouble with a PDF in words: one that is made by hand may break any library in any place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from faceveil.errors import FaceVeilError, LimitError, UnreadableError
from faceveil.i18n import say
from faceveil.media.advice import SMALLER


def broken() -> UnreadableError:
    return UnreadableError(say("the PDF is broken"), say("Get a complete copy of the file."))


@contextmanager
def reading() -> Iterator[None]:
    """Raise whatever goes wrong with a PDF as an error of ours.

    Raises:
        UnreadableError: something in it makes no sense.
        LimitError: there is not enough memory for it.
    """
    try:
        yield
    except (FaceVeilError, OSError):
        raise
    except MemoryError as error:
        raise LimitError(
            say("there is not enough memory for the document"),
            SMALLER,
        ) from error
    except Exception as error:
        raise broken() from error
