"""Folders of CSV files, by a mapping: which file is which table, and which column which field.

    system: banner
    tables:
      persons:
        file: students.csv
        columns:
          person: STU_ID
          family: LAST
          born_on: {column: DOB, format: "%d/%m/%Y"}
          since: {value: 2026-09-01}
      registration_events:
        - file: students.csv
          columns: {registration: {text: "{STU_ID}/1"}, action: {value: admit}, effective_on: IN}
        - file: students.csv
          where: OUT
          columns:
            {registration: {text: "{STU_ID}/1"}, action: {value: withdraw}, effective_on: OUT}

A column is a name; a `value` for all rows; a `text` with names in braces; or a `column` with the
`format` of its days, or with the `words` it uses and ours. `where` keeps the rows in which a
column has a value, or one of some. `once` takes rows that say the same only once.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import BaseModel, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from matricula.cli.loading.given import PLACE, Given, rows_of
from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.loading.actions import must_be_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NAMED = re.compile(r"\{([^{}]+)\}")
_SEE = "See the guide on importing; it has an example of each."


class _Cell(BaseModel, extra="forbid"):
    """Where a field comes from."""

    column: str = ""
    value: str = ""
    text: str = ""
    format: str = ""
    words: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _named(cls, told: Any) -> Any:  # noqa: ANN401 - whatever stands there
        return {"column": told} if isinstance(told, str) else _as_texts(told)

    @model_validator(mode="after")
    def _is_one(self) -> _Cell:
        if [bool(self.column), bool(self.value), bool(self.text)].count(True) != 1:
            message = "give one of column, value and text"
            raise ValueError(message)
        return self

    def names(self) -> list[str]:
        """Name the columns it is made of."""
        return [self.column] if self.column else _NAMED.findall(self.text)


class _Source(BaseModel, extra="forbid"):
    """A file that has rows of a table."""

    file: str
    columns: dict[str, _Cell]
    where: str | dict[str, list[str]] = ""
    once: bool = False


class _Mapping(BaseModel, extra="forbid"):
    """Which file is which table."""

    system: str
    tables: dict[str, list[_Source]]

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, told: Any) -> Any:  # noqa: ANN401 - whatever stands there
        if isinstance(told, dict) and isinstance(told.get("tables"), dict):
            every = {n: s if isinstance(s, list) else [s] for n, s in told["tables"].items()}
            return {**told, "tables": every}
        return told


def _as_texts(told: Any) -> Any:  # noqa: ANN401 - whatever stands there
    """Take days and numbers for the text that was written: YAML makes values of them."""
    if isinstance(told, dict):
        return {str(name): _as_texts(value) for name, value in told.items()}
    return told if isinstance(told, str) or told is None else str(told)


def read(folder: Path, mapping: Path) -> Given:
    """Read a folder by a mapping.

    Raises:
        Refused: The mapping cannot be read or names what is not there (M999, M991), or a file
            cannot be read (M991).
    """
    told = _read(mapping)
    for table, sources in told.tables.items():
        for source in sources:
            must_be_known(table, source.columns, place=f"{mapping.name}: tables.{table}")
    return Given(told.system, _pieces(folder, mapping, told))


def _read(path: Path) -> _Mapping:
    try:
        text = path.read_text(encoding="utf-8")
        return _Mapping.model_validate(YAML(typ="safe", pure=True).load(text))
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise Refused("M999", f"It cannot be read: {why}.", cure=_SEE, place=str(path)) from error
    except (YAMLError, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0]
        raise Refused("M999", f"It is no YAML: {said}.", cure=_SEE, place=path.name) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise Refused("M999", f"{said}.", cure=_SEE, place=f"{path.name}: {place}") from error


def _pieces(folder: Path, mapping: Path, told: _Mapping) -> Iterator[tuple[str, pa.Table]]:
    for table, sources in told.tables.items():
        for source in sources:
            seen: set[tuple[str | None, ...]] = set()
            for rows in rows_of(folder / source.file):
                _must_have(rows, source, place=f"{mapping.name}: tables.{table}")
                mapped = _mapped(_kept(rows, source.where), source)
                yield table, _unseen(mapped, seen) if source.once else mapped


def _must_have(rows: pa.Table, source: _Source, *, place: str) -> None:
    """Go on only if a file has the columns that the mapping names."""
    wanted = [(field, name) for field, cell in source.columns.items() for name in cell.names()]
    where = [source.where] if isinstance(source.where, str) else list(source.where)
    wanted += [("where", name) for name in where if name]
    known = [name for name in rows.column_names if name != PLACE]
    for field, name in wanted:
        if name not in known:
            raise Refused(
                "M999", f"{source.file} has no column {name}.", cure=meant(name, known),
                place=f"{place}.{field}",
            )  # fmt: skip


def _kept(rows: pa.Table, where: str | dict[str, list[str]]) -> pa.Table:
    if not where:
        return rows
    asked: dict[str, list[str]] = {where: []} if isinstance(where, str) else where
    kept = [
        all(value in words if words else bool((value or "").strip()) for value, words in row)
        for row in zip(
            *(
                [(value, words) for value in rows[name].to_pylist()]
                for name, words in asked.items()
            ),
            strict=True,
        )
    ]
    return rows.filter(pa.array(kept, pa.bool_()))


def _mapped(rows: pa.Table, source: _Source) -> pa.Table:
    cells = {field: _cells(rows, cell) for field, cell in source.columns.items()}
    return pa.table({**cells, PLACE: rows[PLACE]})


def _cells(rows: pa.Table, cell: _Cell) -> Any:  # noqa: ANN401 - any Arrow array
    if cell.value:
        return pa.repeat(pa.scalar(cell.value, pa.string()), rows.num_rows)
    if cell.text:
        return _filled(rows, cell)
    if cell.format:
        return _each(rows[cell.column], lambda text: _day(text, cell.format))
    if cell.words:
        # A word that is not listed stays, and the register says what it may be.
        return _each(rows[cell.column], lambda text: cell.words.get(text, text))
    return rows[cell.column]


def _filled(rows: pa.Table, cell: _Cell) -> pa.Array[pa.Scalar[pa.DataType]]:
    names = cell.names()
    columns = [rows[name].to_pylist() for name in names]
    template = _NAMED.sub("{}", cell.text)
    return pa.array([template.format(*row) for row in zip(*columns, strict=True)], pa.string())


def _each(column: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any Arrow array
    """Change each distinct text once."""
    told = column.combine_chunks().dictionary_encode()
    if isinstance(told, pa.ChunkedArray):
        told = told.combine_chunks()
    changed = [None if one is None else change(one.strip()) for one in told.dictionary.to_pylist()]
    return pa.array(changed, pa.string()).take(told.indices)


def _day(text: str, form: str) -> str:
    """Write a day as ours; one that cannot be read stays as it is, and is found."""
    if not text:
        return text
    try:
        return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - days have no zone
    except ValueError:
        return text


def _unseen(rows: pa.Table, seen: set[tuple[str | None, ...]]) -> pa.Table:
    """Keep rows that say something new."""
    columns = [rows[name].to_pylist() for name in rows.column_names if name != PLACE]
    kept = []
    for row in zip(*columns, strict=True):
        kept.append(row not in seen)
        seen.add(row)
    return rows.filter(pa.array(kept, pa.bool_()))
