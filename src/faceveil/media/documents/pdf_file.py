"""A PDF as it is worked on: read with care, freed of what is not on its pages, and saved anew."""

from __future__ import annotations

import io
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from faceveil.errors import LimitError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.documents.pdf_clean import clean, refuse
from faceveil.media.documents.pdf_coded import strip
from faceveil.media.documents.pdf_inline import make_external
from faceveil.media.documents.pdf_objects import containers, is_dictionary
from faceveil.system.closing import Closing

if TYPE_CHECKING:
    from pikepdf import Pdf

    from faceveil.options import Options

_UNPACKED: Final = 1 << 30
"""Bytes that a single stream may unpack to."""
_HIDDEN: Final = 2 | 32
"""Flags of an annotation that is not shown (ISO 32000-2, table 167)."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Encryption of the output, as that of the input.

    Attributes:
        user, owner: passwords.
        allow: what may be done without the owner's.
    """

    user: str
    owner: str
    allow: Any


class PdfFile(Closing):
    """A PDF freed of everything that is not on its pages, in a private file.

    Attributes:
        pdf: that file, open in pikepdf. Not to be changed.
        path: its path; nobody else can read it, and it goes when this is closed.
        dropped: names of what was taken out.
        warnings: what of it will be missed, and what had to be repaired.
        lock: how it was encrypted, or None.
        hides: it has layers or annotations that are not shown.

    Raises:
        UnreadableError: broken beyond repair.
        UnsupportedError: encrypted, signed or of a form that is not handled.
        LimitError: more than the options allow.
    """

    def __init__(self, origin: Path | bytes, options: Options) -> None:
        import pikepdf

        pikepdf.settings.set_qpdf_limits(
            flate_max_memory=_UNPACKED, run_length_max_memory=_UNPACKED, png_max_memory=_UNPACKED
        )
        self._folder = tempfile.TemporaryDirectory(prefix="faceveil-")  # of mode 0700
        try:
            self.path = Path(self._folder.name, "document")
            with _opened(origin, options) as given:
                self.lock = _lock_of(given, options)
                damaged = bool(given.get_warnings())
                refuse(given, options)
                make_external(given)
                self.dropped, warnings = clean(given)
                self.dropped += tuple(dict.fromkeys(strip(given)))
                damaged |= bool(given.get_warnings())
                save(given, self.path)
            if damaged:
                warnings += (say("the PDF was damaged and has been repaired"),)
            self.warnings = warnings
            self.pdf = pikepdf.open(self.path)
            self.hides = _hides(self.pdf)
        except BaseException as error:
            self._folder.cleanup()
            if isinstance(error, pikepdf.PdfError | RecursionError | ValueError | TypeError):
                raise _broken() from error
            if isinstance(error, MemoryError):
                raise LimitError(say("there is not enough memory for the document")) from error
            raise

    def close(self) -> None:
        self.pdf.close()
        self._folder.cleanup()


def with_all_shown(origin: Path | bytes) -> bytes:
    """A PDF with every layer and every annotation visible, for looking only."""
    import pikepdf

    file: Any = io.BytesIO(origin) if isinstance(origin, bytes) else origin
    with pikepdf.open(file) as pdf:
        if "/OCProperties" in pdf.Root:
            del pdf.Root["/OCProperties"]
        for one in containers(pdf):
            if not is_dictionary(one):
                continue
            if "/OC" in one:
                del one["/OC"]
            if one.get("/Type") in ("/OCG", "/OCMD"):
                for key in list(one.keys()):
                    del one[key]
            if _flags(one) & _HIDDEN:
                one.F = _flags(one) & ~_HIDDEN
        buffer = io.BytesIO()
        save(pdf, buffer)
        return buffer.getvalue()


def save(pdf: Pdf, target: Path | io.BytesIO | Any, lock: Lock | None = None) -> None:
    """Save in full, every stream as it is coded, without what nothing refers to."""
    import pikepdf

    if lock is None:
        pdf.save(
            target,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            fix_metadata_version=False,
            encryption=False,
        )
        return
    encryption = pikepdf.Encryption(owner=lock.owner, user=lock.user, allow=lock.allow)
    pdf.save(target, fix_metadata_version=False, encryption=encryption)


def _opened(origin: Path | bytes, options: Options) -> Pdf:
    import pikepdf

    file: Any = io.BytesIO(origin) if isinstance(origin, bytes) else origin
    try:
        return pikepdf.open(file, password=options.password or "")
    except pikepdf.PasswordError as error:
        raise UnsupportedError(
            say("the PDF is encrypted, and the password is wrong")
            if options.password
            else say("the PDF is encrypted"),
            say("Add --password with the password that opens it."),
        ) from error
    except pikepdf.PdfError as error:
        raise _broken() from error
    except OSError as error:
        from faceveil.i18n import reason_of

        reason = reason_of(error)
        raise UnreadableError(say("the file cannot be read: {reason}", reason=reason)) from error


def _lock_of(pdf: Pdf, options: Options) -> Lock | None:
    """As the file is encrypted. A password that is not known is replaced by one that nobody has."""
    if not pdf.is_encrypted:
        return None
    given = options.password or ""
    owner = given if given and pdf.owner_password_matched else secrets.token_urlsafe(24)
    return Lock(given, owner, pdf.allow)


def _hides(pdf: Pdf) -> bool:
    """Whether a viewer leaves anything out: layers that are off, annotations that are hidden."""
    if is_dictionary(layers := pdf.Root.get("/OCProperties")):
        usual = layers.get("/D")
        if not is_dictionary(usual) or usual.get("/BaseState", "/ON") != "/ON":
            return True
        if usual.get("/OFF") or usual.get("/AS") or layers.get("/Configs"):
            return True
    return any(
        is_dictionary(one) and (_flags(one) & _HIDDEN or one.get("/Type") == "/OCMD")
        for one in containers(pdf)
    )


def _flags(one: Any) -> int:
    """The flags of an annotation that has an appearance."""
    if "/AP" not in one or "/Rect" not in one:
        return 0
    flags = one.get("/F", 0)
    return flags if isinstance(flags, int) else 0


def _broken() -> UnreadableError:
    return UnreadableError(say("the PDF is broken"), say("Get a complete copy of the file."))
