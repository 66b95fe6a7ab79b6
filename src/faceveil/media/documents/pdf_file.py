"""A PDF as it is worked on: read with care, freed of what is not on its pages, and saved anew."""

from __future__ import annotations

import io
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from faceveil.errors import UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import READABLE
from faceveil.media.documents.nodes import Clip
from faceveil.media.documents.pdf_attached import keep_listed, take_out
from faceveil.media.documents.pdf_clean import clean, refuse
from faceveil.media.documents.pdf_coded import strip
from faceveil.media.documents.pdf_hidden import refuse_hidden
from faceveil.media.documents.pdf_inline import make_external
from faceveil.media.documents.pdf_objects import (
    containers,
    empty,
    is_dictionary,
    items_of,
    open_pdf,
)
from faceveil.media.documents.pdf_places import drawing_in, other_looks
from faceveil.media.documents.pdf_trouble import broken, reading
from faceveil.media.documents.pdf_undrawn import drop_undrawn
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
        attached: files that were attached to it, each of which is worked on by itself.
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
        self.attached: list[Clip] = []
        self._folder = tempfile.TemporaryDirectory(prefix="faceveil-")  # of mode 0700
        try:
            self.path = Path(self._folder.name, "document")
            with reading(), _opened(origin, options) as given:
                self.lock = _lock_of(given, options)
                damaged = bool(given.get_warnings())
                refuse(given, options)
                make_external(given)
                self.attached, others = take_out(given, self.path.parent)
                self.dropped, warnings = clean(given)
                self.dropped += drop_undrawn(given)
                keep_listed(given)
                if others:
                    warnings += (say("{count} attached files are left out", count=others),)
                self.dropped += tuple(dict.fromkeys(strip(given)))
                damaged |= bool(given.get_warnings())
                save(given, self.path)
            if damaged:
                warnings += (say("the PDF was damaged and has been repaired"),)
            self.warnings = warnings
            with reading():
                with open_pdf(self.path) as saved:
                    refuse_hidden(saved)
                self.pdf = open_pdf(self.path)
                self.hides = _hides(self.pdf)
        except BaseException:
            self._folder.cleanup()
            raise

    def close(self) -> None:
        self.pdf.close()
        self._folder.cleanup()


def with_all_shown(origin: Path | bytes) -> bytes:
    """A PDF with every layer, and every annotation in every state, visible, for looking only."""
    from pikepdf import Array, Dictionary, Name

    with open_pdf(origin) as pdf:
        for page in pdf.pages:
            annotations = items_of(page.obj.get("/Annots"))
            shown = [
                Dictionary(
                    Type=Name.Annot,
                    Subtype=Name.Stamp,
                    Rect=one.get("/Rect", Array([0, 0, 0, 0])),
                    AP=Dictionary(N=look),
                )
                for one in annotations
                for look in other_looks(one)
            ]
            if shown:
                page.obj.Annots = Array([*annotations, *map(pdf.make_indirect, shown)])
        if "/OCProperties" in pdf.Root:
            del pdf.Root["/OCProperties"]
        for one in containers(pdf):
            if not is_dictionary(one):
                continue
            if "/OC" in one:
                del one["/OC"]
            if one.get("/Type") in ("/OCG", "/OCMD"):
                empty(one)
            if _flags(one) & _HIDDEN:
                one.F = _flags(one) & ~_HIDDEN
        return saved(pdf)


def saved(pdf: Pdf) -> bytes:
    """A PDF in memory, for looking only: not encrypted."""
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

    try:
        return open_pdf(origin, options.password or "")
    except pikepdf.PasswordError as error:
        raise UnsupportedError(
            say("the PDF is encrypted, and the password is wrong")
            if options.password
            else say("the PDF is encrypted"),
            say("Add --password with the one that opens it, or save a copy without a password."),
        ) from error
    except pikepdf.PdfError as error:
        raise broken() from error
    except OSError as error:
        from faceveil.i18n import reason_of

        reason = reason_of(error)
        raise UnreadableError(
            say("the file cannot be read: {reason}", reason=reason), READABLE
        ) from error


def _lock_of(pdf: Pdf, options: Options) -> Lock | None:
    """As the file is encrypted. A password that is not known is replaced by one that nobody has."""
    if not pdf.is_encrypted:
        return None
    given = options.password or ""
    owner = given if given and pdf.owner_password_matched else secrets.token_urlsafe(24)
    return Lock(given, owner, pdf.allow)


def _hides(pdf: Pdf) -> bool:
    """Whether a viewer leaves anything out: layers that are off, annotations that are hidden.

    Pictures in other states of an annotation are looked at by themselves, what is drawn is not.
    """
    if is_dictionary(layers := pdf.Root.get("/OCProperties")):
        usual = layers.get("/D")
        if not is_dictionary(usual) or usual.get("/BaseState", "/ON") != "/ON":
            return True
        if usual.get("/OFF") or usual.get("/AS") or layers.get("/Configs"):
            return True
    looks = (
        look
        for page in pdf.pages
        for one in items_of(page.obj.get("/Annots"))
        for look in other_looks(one)
    )
    if any(not drawing_in(look).plain for look in looks):
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
