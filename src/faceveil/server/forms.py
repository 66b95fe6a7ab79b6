"""Forms with files, as browsers send them: read piece by piece into files of ours.

The parser is python-multipart's own. Starlette's, which is built on it, makes temporary files that
have a place and a size of their own choice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final

from anyio import to_thread
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.requests import Request

from faceveil.i18n import say
from faceveil.server.problems import ProblemError
from faceveil.server.spool import Slice, unnamed

_FIELDS: Final = 16
_EXAMPLE: Final = "options=%7B%22preset%22%3A%22strict%22%7D"
_FIELD_BYTES: Final = 256 * 1024


class _Form:
    """The state of a form while it arrives.

    Args:
        content_type: as the request has it.
        folder: where the files lie.
        most: number of files.

    Attributes:
        items: fields and files that are whole, by their names.
        files: those that have to be closed.

    Raises:
        FormParserError, LookupError: the content type is no good.
    """

    def __init__(self, content_type: str, folder: Path, most: int) -> None:
        _, given = parse_options_header(content_type)
        self._folder, self._most = folder, most
        self.items: list[tuple[str, str | UploadFile]] = []
        self.files: list[IO[bytes]] = []
        self._files = self._fields = 0
        self._ended = False
        self._begin()
        self._unwritten: list[tuple[Any, bytes]] = []
        self._whole: list[Any] = []
        self._parser = MultipartParser(
            given[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._last,
            },
        )

    async def feed(self, piece: bytes) -> None:
        """Take in the next piece of the body.

        Raises:
            FormParserError, ValueError, LookupError: it is no form.
            ProblemError: it holds too much.
        """
        self._parser.write(piece)
        # Not in the calls of the parser: while the disk works others have their turn.
        for file, data in self._unwritten:
            await to_thread.run_sync(file.write, data)
        for file in self._whole:
            await to_thread.run_sync(file.seek, 0)
        self._unwritten.clear()
        self._whole.clear()

    def finish(self) -> None:
        """Say that this was all. Raises FormParserError if it cannot be."""
        self._parser.finalize()
        if not self._ended:  # the parser minds no missing end, and the last file would be lost
            raise FormParserError

    def _last(self) -> None:
        self._ended = True

    def _begin(self) -> None:
        self._name, self._text = "", bytearray()
        self._file: UploadFile | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._header = (b"", b"")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], self._header[1])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _header_end(self) -> None:
        self._headers.append((self._header[0].lower(), self._header[1]))
        self._header = (b"", b"")

    def _headers_end(self) -> None:
        _, told = parse_options_header(dict(self._headers).get(b"content-disposition"))
        self._name = _text(told[b"name"])
        if b"filename" not in told:
            self._fields += 1
            if self._fields > _FIELDS:
                raise ProblemError(
                    413, "limit", say("the upload holds more than {most} fields", most=_FIELDS)
                )
            return
        self._files += 1
        if self._files > self._most:
            raise ProblemError(
                413, "limit", say("the upload holds more than {most} files", most=self._most)
            )
        if len(self.files) < 2:
            self.files.append(unnamed(self._folder))
        file: Any = self.files[0] if self._files == 1 else Slice(self.files[1])
        headers = Headers(raw=self._headers)
        self._file = UploadFile(file, size=0, filename=_text(told[b"filename"]), headers=headers)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._unwritten.append((self._file.file, data[start:end]))
            return
        self._text += data[start:end]
        if len(self._text) > _FIELD_BYTES:
            raise ProblemError(400, "usage", say("the form cannot be read"))

    def _end(self) -> None:
        if self._file is None:
            self.items.append((self._name, _text(self._text)))
        else:
            self.items.append((self._name, self._file))
            self._whole.append(self._file.file)


@asynccontextmanager
async def read_form(request: Request, folder: Path, most: int) -> AsyncIterator[FormData]:
    """The fields and files of a multipart request, for as long as this is open.

    Args:
        folder: where the files lie meanwhile.
        most: number of files.

    Raises:
        ProblemError: it is not multipart, broken, or has too many parts.
    """
    given = request.headers.get("content-type", "")
    if not given.startswith("multipart/form-data"):
        raise ProblemError(415, "unsupported", say("files have to be sent as multipart/form-data"))
    form: _Form | None = None
    try:
        try:
            form = _Form(given, folder, most)
            async for piece in request.stream():
                await form.feed(piece)
            form.finish()
        except (FormParserError, ValueError, LookupError) as error:
            raise ProblemError(400, "usage", say("the form cannot be read")) from error
        yield FormData(form.items)
    finally:
        for file in form.files if form is not None else ():
            file.close()


def require_known(form: FormData, *, files: Collection[str], texts: Collection[str] = ()) -> None:
    """Refuse what nobody would look at: whoever sent it would believe that it was obeyed.

    Args:
        files, texts: the names of the fields that are looked at, each with its kind.

    Raises:
        ProblemError: there is another field, one of the wrong kind, or a text twice.
    """
    seen: set[str] = set()
    for name, part in form.multi_items():
        if name not in (*files, *texts):
            known = ", ".join((*files, *texts))
            words = say("there is no field {name}; there are: {names}", name=name, names=known)
            raise ProblemError(422, "usage", words)
        if isinstance(part, UploadFile) is not (name in files):
            words = (
                say("{name}: a file is wanted, with a file name", name=name)
                if name in files
                else say("{name}: a text is wanted, not a file", name=name)
            )
            raise ProblemError(422, "usage", words)
        if name in texts and name in seen:
            raise ProblemError(422, "usage", say("{name} is given twice", name=name))
        seen.add(name)


def require_query(request: Request, *known: str) -> None:
    """The same for the parameters behind an address.

    Raises:
        ProblemError: there is another one, or one twice.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in (*known, "lang", "token"):
            words = say(
                "there is no parameter {name}; settings are a JSON object in options", name=name
            )
            raise ProblemError(422, "usage", words, say("For example {example}.", example=_EXAMPLE))
        if given.count(name) > 1:
            raise ProblemError(422, "usage", say("{name} is given twice", name=name))


def files_of(form: FormData, field: str) -> list[UploadFile]:
    """The files that were sent under a name."""
    return [part for part in form.getlist(field) if isinstance(part, UploadFile)]


def text_of(form: FormData, field: str) -> str | None:
    """The text that was sent under a name, or None."""
    value = form.get(field)
    return value if isinstance(value, str) else None


def _text(data: bytes | bytearray) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
