"""Multipart uploads, streamed: files go to disk piece by piece, limits hold while they come in.

What is refused is read to its end (nothing of it is kept), so that the client sees the answer and not a reset.
"""

from __future__ import annotations

import asyncio
import dataclasses

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from ..domain import rules
from ..errors import Problem
from ..packages import Incoming, PackageFiles

FIELD_BYTES = 64 * 1024
"""Limit of all fields together."""
BODY_BYTES = rules.FILES * rules.FILE_SIZE + 1024 * 1024
"""What a body may have at most; a longer one is not read."""
DRAIN_BYTES = 2 * BODY_BYTES


@dataclasses.dataclass
class Upload:
    """Fields and files of a form."""

    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    files: list[Incoming] = dataclasses.field(default_factory=list)

    def discard(self) -> None:
        """Removes the files."""
        for file in self.files:
            file.discard()


class _Form:
    """The parser's callbacks: takes parts as they come, raises `Problem` where one is refused."""

    def __init__(self, boundary: bytes, store: PackageFiles) -> None:
        self.upload = Upload()
        self.complete = False
        self._store = store
        self._headers: dict[str, bytes] = {}
        self._name, self._value = b"", b""
        self._field: str | None = None
        self._text = bytearray()
        self._bytes = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda d, s, e: self._header(d[s:e], b""),
                "on_header_value": lambda d, s, e: self._header(b"", d[s:e]),
                "on_header_end": self._header_end,
                "on_headers_finished": self._open,
                "on_part_data": lambda d, s, e: self._data(d[s:e]),
                "on_part_end": self._close,
                "on_end": self._end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Takes the next piece of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Problem(400, f"the form cannot be read: {error}") from error

    def _begin(self) -> None:
        self._headers, self._name, self._value = {}, b"", b""

    def _header(self, name: bytes, value: bytes) -> None:
        self._name += name
        self._value += value
        if len(self._name) + len(self._value) > FIELD_BYTES:
            raise Problem(413, "a part's header is too long")

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value
        self._name, self._value = b"", b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            self._field, self._text = name, bytearray()
            return
        self._field = None
        if name not in {"files", "files[]", "file"}:
            raise Problem(422, f"a file came as {name!r}; files are sent as `files`")
        if len(self.upload.files) >= rules.FILES:
            raise Problem(422, f"a package has at most {rules.FILES} files")
        file_name = rules.plain_file_name(options[b"filename"].decode("utf-8", "replace"))
        problem = rules.file_name_problem(file_name)
        if problem:
            raise Problem(422, problem)
        self.upload.files.append(self._store.receive(file_name))

    def _data(self, data: bytes) -> None:
        if self._field is None:
            file = self.upload.files[-1]
            if file.size + len(data) > rules.FILE_SIZE:
                raise Problem(413, f"{file.name!r} is larger than 100 MB")
            file.write(data)
            return
        self._bytes += len(data)
        if self._bytes > FIELD_BYTES:
            raise Problem(413, "the fields of the form are too long")
        self._text += data

    def _close(self) -> None:
        if self._field is None:
            self.upload.files[-1].close()
        else:
            self.upload.fields[self._field] = self._text.decode("utf-8", "replace")

    def _end(self) -> None:
        self.complete = True


async def read(request: Request, store: PackageFiles, patience: float) -> Upload:
    """The form of a request; raises `Problem`, with nothing left behind.

    `patience`: real seconds for which the client may be silent in the middle of it.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
        raise Problem(415, "packages are sent as multipart/form-data")
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > BODY_BYTES:
        raise Problem(413, f"a package has at most {rules.FILES} files of 100 MB")
    form = _Form(boundary, store)
    try:
        await _read(request, form, patience)
    except ClientDisconnect:
        form.upload.discard()
        raise Problem(400, "the client went away in the middle") from None
    except BaseException:
        form.upload.discard()
        raise
    return form.upload


async def _read(request: Request, form: _Form, patience: float) -> None:
    refusal: Problem | None = None
    seen = 0
    pieces = request.stream()
    while True:
        try:
            piece = await asyncio.wait_for(anext(pieces, None), patience)
        except asyncio.TimeoutError:
            raise Problem(408, f"nothing came for {patience:g} seconds") from None
        if piece is None:
            break
        seen += len(piece)
        if seen > (DRAIN_BYTES if refusal else BODY_BYTES):
            raise refusal or Problem(413, f"a package has at most {rules.FILES} files of 100 MB")
        if refusal is None:
            try:
                form.feed(piece)
            except Problem as problem:
                refusal = problem
                form.upload.discard()
    if refusal is not None:
        raise refusal
    if not form.complete:
        raise Problem(400, "the form ends in the middle")
