"""What the standard demands of values, once for whole columns and once for one row.

Both ways are made from the same pattern for each kind of column, so an importer, an
exporter and a single write can never disagree. Nothing is repaired, and no value is
shown: a finding counts, and names rows by their `sourcedId`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute

from matricula.connectors.kit.oneroster.tables import KEY, MODIFIED, STATUS
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.connectors.kit.oneroster.tables import Column, FileTable, Kind, Mode

# The published stubs of `pyarrow.compute` lag behind it and refuse right calls.
pc: Any = pyarrow.compute
# Columns and masks of Arrow, chunked or not; the stubs cannot tell what functions give.
Cells = Any
SHOWN = 3
_GUID = r"[A-Za-z0-9._/@-]{1,255}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_PATTERNS: dict[Kind, tuple[str, str]] = {
    "guid": (_GUID, "no identifiers: only letters, digits and . - _ / @, at most 255"),
    "guids": (f"{_GUID}(,{_GUID})*", "no list of identifiers, parted by commas alone"),
    "pairs": (r"\{[^{}]+:[^{}]*\}(,\{[^{}]+:[^{}]*\})*", "not written {type:value}"),
    "boolean": ("true|false", "neither true nor false"),
    "date": (_DATE, "no dates, written YYYY-MM-DD"),
    "moment": (
        rf"{_DATE}(T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]+)?Z)?",
        "neither dates, written YYYY-MM-DD, nor instants in UTC",
    ),
    "instant": (
        rf"{_DATE}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]+)?Z",
        "no instants in UTC, written YYYY-MM-DDThh:mm:ss.sssZ",
    ),
    "year": ("[0-9]{4}", "no years, written YYYY"),
    "integer": ("-?[0-9]+", "no whole numbers"),
    "float": (r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", "no numbers"),
}
# What no value may hold, and how that is said. Only the REST binding has texts of several lines.
_LINE_END = (re.compile("[\r\n\x00]"), "broken by a line end or a NUL")
_NUL = (re.compile("\x00"), "broken by a NUL")
_FREE: frozenset[Kind] = frozenset({"text", "prose", "list"})
_DATED: frozenset[Kind] = frozenset({"date", "moment", "instant"})


@dataclass(frozen=True, slots=True)
class Rule:
    """What whole values of a column must look like.

    Attributes:
        pattern: A regular expression that Python and Arrow read alike; empty for any text.
        breach: Completes the sentence "3 values are ...".
        dated: The first ten characters must be a day of the calendar.
    """

    pattern: str
    breach: str
    dated: bool = False


@cache
def rule_for(column: Column) -> Rule:
    """Give the rule for the values of a column."""
    if column.values:
        words = "|".join(re.escape(word) for word in column.values)
        one = f"(?:{words}|ext:[^,]+)" if column.extensible else f"(?:{words})"
        pattern = f"{one}(?:, ?{one})*" if column.kind == "enums" else one
        also = " or a word that begins with ext:" if column.extensible else ""
        return Rule(pattern, f"none of {', '.join(column.values)}{also}")
    pattern, breach = _PATTERNS.get(column.kind, ("", ""))
    return Rule(pattern, breach, dated=column.kind in _DATED)


def breach_of(column: Column, value: str | None) -> str:
    """Say what is wrong with one value, or nothing.

    Returns:
        Completes the sentence "The value of role is ...": `none of student, teacher`.
    """
    if value is None or not value.strip():
        return "missing, and the standard requires one" if column.required else ""
    broken, how = _NUL if column.kind == "prose" else _LINE_END
    if broken.search(value):
        return f"{how}, which no such field may hold"
    if column.kind in _FREE:
        return ""
    rule = rule_for(column)
    if rule.pattern and not _compiled(rule.pattern).fullmatch(value):
        return rule.breach
    return rule.breach if rule.dated and not _is_day(value) else ""


def column_findings(table: pa.Table, spec: FileTable) -> Iterator[Finding]:
    """Check every column of a table by itself.

    Args:
        table: All text, null where there is no value; with a `sourcedId`.
        spec: The file's columns; others are text.
    """
    keys = table[KEY]
    for name in table.column_names:
        column, values = spec.column(name), table[name]
        place = f"{spec.name}.{name}"
        if column.required:
            missing = _is_blank(values)
            yield from _counted(missing, keys, place, "missing, and the standard requires them")
        broken, how = _NUL if column.kind == "prose" else _LINE_END
        holds = pc.match_substring_regex(values, broken.pattern)
        yield from _counted(holds, keys, place, how)
        yield from _counted(_wrong(values, column), keys, place, rule_for(column).breach)


def mode_findings(table: pa.Table, spec: FileTable, mode: Mode) -> Iterator[Finding]:
    """Check that bulk rows leave status and date blank, and delta rows fill both."""
    for name in (STATUS, MODIFIED):
        if name not in table.column_names:
            continue
        filled = pc.is_valid(table[name])
        wrong, breach = (filled, "filled, which bulk rows may not do")
        if mode == "delta":
            wrong, breach = (pc.invert(filled), "missing, and delta rows must have them")
        yield from _counted(wrong, table[KEY], f"{spec.name}.{name}", breach, code="M453")


def key_findings(table: pa.Table, spec: FileTable) -> Iterator[Finding]:
    """Check that every row has a `sourcedId` of its own."""
    keys = table[KEY]
    place = f"{spec.name}.{KEY}"
    blank = _is_blank(keys)
    yield from _counted(blank, keys, place, "missing", code="M432")
    counts = pc.value_counts(keys.drop_null().combine_chunks())
    twice = counts.filter(pc.greater(pc.struct_field(counts, "counts"), 1))
    if len(twice):
        shown = ", ".join(pc.struct_field(twice, "values").slice(0, SHOWN).to_pylist())
        yield Finding(
            place,
            "M431",
            f"{spec.name}: {len(twice)} identifiers stand in more than one row ({shown}).",
            "Have the export send every record once.",
        )


def reference_findings(
    found: Mapping[str, pa.Table], spec: FileTable, modes: Mapping[str, Mode]
) -> Iterator[Finding]:
    """Check that what a bulk file refers to is in the bundle.

    Deltas are not checked: what they refer to may be on the other side already.
    """
    table = found[spec.name]
    for column in spec.columns:
        target = modes.get(column.refers, "absent")
        if not column.refers or column.name not in table.column_names:
            continue
        # A file that could not be relied on says nothing about what it held.
        if target == "delta" or (target == "bulk" and column.refers not in found):
            continue
        known = found[column.refers][KEY].combine_chunks() if column.refers in found else None
        lost = dangling(table[column.name], column, known)
        breach = f"the identifiers of no row in {column.refers}"
        yield from _counted(lost, table[KEY], f"{spec.name}.{column.name}", breach, code="M456")


def dangling(values: Cells, column: Column, known: Cells | None) -> Cells:
    """Mark the rows that refer to nothing.

    Args:
        values: Of the referring column.
        column: One identifier, or a list of them.
        known: The identifiers there are; None when the file is not there.

    Returns:
        A boolean for each row; false where there is no reference.
    """
    targets = pa.array([], pa.string()) if known is None else known
    if column.kind != "guids":
        lost = pc.invert(pc.is_in(values, value_set=targets))
        return pc.and_(lost, pc.is_valid(values))
    flat = values.combine_chunks()
    lists = pc.split_pattern(flat, ",")
    parts = pc.utf8_trim_whitespace(pc.list_flatten(lists))
    lost = pc.and_(pc.invert(pc.is_in(parts, value_set=targets)), pc.not_equal(parts, ""))
    rows = pc.unique(pc.list_parent_indices(lists).filter(lost))
    numbers = pa.array(range(len(flat)), pa.int64())
    return pa.chunked_array([pc.is_in(numbers, value_set=pc.cast(rows, pa.int64()))])


def identifiers_in(values: Cells, column: Column) -> set[str]:
    """Collect the identifiers that a referring column names."""
    if column.kind != "guids":
        return set(pc.unique(values.drop_null()).to_pylist())
    lists = pc.split_pattern(values.drop_null().combine_chunks(), ",")
    return set(pc.unique(pc.utf8_trim_whitespace(pc.list_flatten(lists))).to_pylist())


def _wrong(values: Cells, column: Column) -> Cells | None:
    rule = rule_for(column)
    if not rule.pattern:
        return None
    matches = pc.match_substring_regex(values, rf"\A(?:{rule.pattern})\z")
    # A blank is judged as missing, not as wrong.
    blank = pc.equal(pc.utf8_trim_whitespace(values), "")
    wrong = pc.and_(pc.invert(matches), pc.invert(blank))
    if not rule.dated:
        return wrong
    days = pc.unique(pc.utf8_slice_codeunits(values.filter(matches), 0, 10)).to_pylist()
    never = pa.array([day for day in days if not _is_day(day)], pa.string())
    return pc.or_(wrong, pc.is_in(pc.utf8_slice_codeunits(values, 0, 10), value_set=never))


def _is_blank(values: Cells) -> Cells:
    blank = pc.equal(pc.utf8_trim_whitespace(values), "")
    return pc.or_kleene(blank, pc.is_null(values))


def _counted(
    wrong: Cells | None,
    keys: Cells,
    place: str,
    breach: str,
    *,
    code: str = "M455",
) -> Iterator[Finding]:
    if wrong is None:
        return
    count = pc.sum(wrong).as_py() or 0
    if not count:
        return
    among = pc.indices_nonzero(wrong).slice(0, SHOWN)
    rows = ", ".join(
        key or f"data row {number + 1}"
        for key, number in zip(keys.take(among).to_pylist(), among.to_pylist(), strict=True)
    )
    yield Finding(
        place,
        code,
        f"{place}: {count} of {len(keys)} values are {breach} ({rows}).",
        "Have them corrected where the file is made.",
    )


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
