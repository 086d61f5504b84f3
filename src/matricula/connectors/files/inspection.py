"""Look at a text file's bytes before a single value is believed.

One pass over the file: is it there, is it whole, is it text in the stated encoding? What
the pass learns decides how the file may be parsed.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.places import Stamp, stamp_of_open

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.connectors.files.settings import FileResource

CHUNK = 1 << 20
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_EXPORT_AGAIN = "Have the export made again; nothing was taken from this one."


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one pass over a text file's bytes found.

    Attributes:
        stamp: Of the file when the pass began.
        digest: SHA-256 of its bytes, hexadecimal.
        marked: It begins with a byte order mark.
        quotes: It holds the quote sign somewhere.
        newline: Its first line's end.
        ends_whole: Its last line has an end.
    """

    stamp: Stamp
    digest: str
    marked: bool
    quotes: bool
    newline: str
    ends_whole: bool


def must_be_unchanged(file: BinaryIO, before: Stamp, *, name: str) -> None:
    """Refuse a file that was written to since the stamp was taken.

    Raises:
        Untrusted: It was (M434).
    """
    if stamp_of_open(file) != before:
        raise Untrusted(
            f"{name} was written to while it was read.",
            code="M434",
            cure="Run again when the delivery is finished; deliver by renaming.",
        )


def missing(name: str) -> Untrusted:
    """Make the refusal of a file that is not there."""
    return Untrusted(
        f"{name} is not there.", code="M420", cure="Have the file delivered, or correct its name."
    )


def inspect(path: Path, resource: FileResource) -> Inspection:
    """Read a text file's bytes once and judge them.

    Raises:
        Untrusted: Missing (M420), empty (M421), or not text as stated (M424).
    """
    name = path.name
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise missing(name) from error
    with file:
        stamp = stamp_of_open(file)
        first = file.read(CHUNK)
        if not first.strip(b"\r\n\t \0" + codecs.BOM_UTF8):
            raise Untrusted(f"{name} is empty.", code="M421", cure=_EXPORT_AGAIN)
        _judge_marks(first, resource, name)
        pass_over = _Pass(resource, name)
        pass_over.see(first)
        while chunk := file.read(CHUNK):
            pass_over.see(chunk)
        return pass_over.end(stamp)


def _judge_marks(first: bytes, resource: FileResource, name: str) -> None:
    marked_utf16 = first.startswith(_UTF16_MARKS)
    if marked_utf16 and resource.encoding != "utf-16":
        raise _wrong_encoding(name, resource, "it begins with the mark of UTF-16", "utf-16")
    if resource.encoding == "utf-16" and not marked_utf16:
        hint = "utf-8" if b"\0" not in first else ""
        raise _wrong_encoding(name, resource, "it lacks the mark that UTF-16 begins with", hint)
    if first.startswith(codecs.BOM_UTF8) and resource.encoding != "utf-8":
        raise _wrong_encoding(name, resource, "it begins with the mark of UTF-8", "utf-8")


def _wrong_encoding(name: str, resource: FileResource, why: str, likely: str) -> Untrusted:
    cure = f"Write `encoding: {likely}`" if likely else "Write the right `encoding:`"
    return Untrusted(
        f"{name} is not {resource.encoding}: {why}.",
        code="M424",
        cure=f"{cure}, or have the export made in the agreed encoding.",
    )


class _Pass:
    """The running state of one pass."""

    def __init__(self, resource: FileResource, name: str) -> None:
        self._resource = resource
        self._name = name
        self._decoder = codecs.getincrementaldecoder(resource.encoding)("strict")
        self._as_utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        self._could_be_utf8 = resource.encoding in {"latin-1", "cp1252"}
        self._plain = True
        self._digest = hashlib.sha256()
        self._lines = 0
        self._head = b""
        self._tail = ""
        self._newline = ""
        self._quotes = False

    def see(self, chunk: bytes) -> None:
        """Take the next bytes in."""
        self._digest.update(chunk)
        self._head = self._head or chunk[:4]
        self._plain = self._plain and chunk.isascii()
        try:
            text = self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise self._undecodable(chunk, error) from error
        if "\0" in text:
            line = self._lines + text[: text.index("\0")].count("\n") + 1
            raise _wrong_encoding(
                self._name, self._resource, f"line {line} holds a NUL character", ""
            )
        self._try_utf8(chunk)
        self._note(text)

    def end(self, stamp: Stamp) -> Inspection:
        """Close the pass and judge what only the whole file shows."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise Untrusted(
                f"{self._name} ends in the middle of a character.", code="M423", cure=_EXPORT_AGAIN
            ) from error
        if self._could_be_utf8 and not self._plain:
            why = "every letter beyond ASCII in it is well-formed UTF-8"
            raise _wrong_encoding(self._name, self._resource, why, "utf-8")
        return Inspection(
            stamp=stamp,
            digest=self._digest.hexdigest(),
            marked=self._head.startswith((codecs.BOM_UTF8, *_UTF16_MARKS)),
            quotes=self._quotes,
            newline=self._newline or "\n",
            ends_whole=self._tail in {"\n", "\r"},
        )

    def _note(self, text: str) -> None:
        if not text:
            return
        self._quotes = self._quotes or self._resource.quote in text
        self._lines += text.count("\n")
        self._tail = text[-1]
        if not self._newline and (found := re.search(r"\r\n|\n|\r", text)):
            self._newline = found.group()

    def _try_utf8(self, chunk: bytes) -> None:
        if self._could_be_utf8 and not self._plain:
            try:
                self._as_utf8.decode(chunk)
            except UnicodeDecodeError:
                self._could_be_utf8 = False

    def _undecodable(self, chunk: bytes, error: UnicodeDecodeError) -> Untrusted:
        line = self._lines + chunk[: error.start].count(b"\n") + 1
        likely = "cp1252" if self._resource.encoding == "utf-8" else ""
        return _wrong_encoding(
            self._name, self._resource, f"line {line} holds bytes that are no such text", likely
        )
