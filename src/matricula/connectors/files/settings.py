"""What a charter says about a folder of files."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Encoding = Literal["utf-8", "utf-16", "latin-1", "cp1252"]
Format = Literal["csv", "parquet", "jsonl"]
_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


def _must_compile(text: str) -> str:
    try:
        re.compile(text)
        # Columns are matched by Arrow, whose expressions know no look-around.
        pc.match_substring_regex(pa.array([""]), text)
    except (re.error, pa.ArrowInvalid) as error:
        message = f"{text!r} is not a regular expression: {error}"
        raise ValueError(message) from error
    return text


Pattern = Annotated[str, AfterValidator(_must_compile)]
OneCharacter = Annotated[str, Field(min_length=1, max_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Control(_Strict):
    """Where a source states its totals: in a second file, or in its own last row.

    Attributes:
        file: Name of the second file, `{file}` standing for the first one's name. It holds
            lines `rows=N` and `sha256=HEX`, either or both.
        trailer: A regular expression for the whole last row, with a group `rows`.
    """

    file: str = ""
    trailer: Pattern = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Control:
        if bool(self.file) == bool(self.trailer):
            message = "say either `file:` or `trailer:`"
            raise ValueError(message)
        if self.trailer and "rows" not in re.compile(self.trailer).groupindex:
            message = "`trailer:` needs a group (?P<rows>...)"
            raise ValueError(message)
        return self


class Suspension(_Strict):
    """How a record of the file is marked as suspended, and as not."""

    field: str
    value: str
    resume_value: str | None = None


class FileResource(_Strict):
    """One file, or the newest of several, as a resource.

    Attributes:
        file: A name below the folder, or a pattern (`patrons-*.csv`); the last match by
            name is taken, so names should carry a date. A pattern cannot be written to.
        format: From the name's ending when left out.
        key: The columns that identify a record; `_id` is made of them.
        columns: The columns that must be there. Once listed, others are not written.
        null: How the file writes that there is no value.
        may_be_empty: No record is normal here, not a fault.
        missing_ok: No file is normal here: it reads as no records, and writing begins it.
        final_newline: `required` takes a last line without a line end for a cut one.
        patterns: Regular expressions that whole values of a column must match.
        distinct: Rows that agree in all `columns` are one record, and other columns are not
            read. Such a file cannot be written to.
        spreadsheet_safe: Refuse to write a record with a text that a spreadsheet would take
            for a formula. Nothing is ever altered to be harmless: a copy is true or not made.
    """

    file: str
    format: Format | None = None
    key: tuple[str, ...] = Field(min_length=1)
    encoding: Encoding = "utf-8"
    delimiter: OneCharacter = ","
    quote: OneCharacter = '"'
    columns: tuple[str, ...] = ()
    null: str = ""
    control: Control | None = None
    suspend: Suspension | None = None
    may_be_empty: bool = False
    missing_ok: bool = False
    final_newline: Literal["required", "optional"] = "required"
    patterns: dict[str, Pattern] = Field(default_factory=dict)
    distinct: bool = False
    spreadsheet_safe: bool = False

    @property
    def is_pattern(self) -> bool:
        """Whether the name stands for several files."""
        return any(sign in self.file for sign in "*?[")

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written here, because no record stands in one place."""
        return self.is_pattern or self.distinct

    @property
    def kind(self) -> Format:
        """The format, stated or from the ending."""
        return self.format or _ENDINGS["." + self.file.rpartition(".")[2].lower()]

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns without which the file is not the agreed one."""
        extra = (self.suspend.field,) if self.suspend else ()
        return tuple(dict.fromkeys((*self.key, *self.columns, *self.patterns, *extra)))

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> FileResource:
        if self.format is None and "." + self.file.rpartition(".")[2].lower() not in _ENDINGS:
            message = f"the ending of {self.file} does not tell its format; write `format:`"
            raise ValueError(message)
        if self.distinct and (not self.columns or self.control):
            message = "`distinct:` needs `columns:`, and no `control:` can count its records"
            raise ValueError(message)
        if self.columns and not set(self.key) <= set(self.columns):
            message = "`columns:` must list the key's columns too"
            raise ValueError(message)
        if self.control and self.control.trailer and self.kind != "csv":
            message = "only CSV files have a trailer row"
            raise ValueError(message)
        if self.encoding != "utf-8" and self.kind != "csv":
            message = f"{self.kind} files are always utf-8"
            raise ValueError(message)
        if self.delimiter == self.quote or {self.delimiter, self.quote} & {"\n", "\r", "\0"}:
            message = "`delimiter:` and `quote:` must differ and be no line end"
            raise ValueError(message)
        return self


class FilesSettings(_Strict):
    """A folder and what is in it.

    Attributes:
        folder: Below the folder that holds `charter/`, or absolute.
        resources: Name in the charter to file.
    """

    folder: str
    resources: dict[str, FileResource] = Field(min_length=1)
