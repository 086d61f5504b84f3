"""What the charter's expressions may use: functions, and what each takes and yields.

The language is DuckDB's SQL for one value at a time, cut down to what gives the same
answer every time and reaches nothing outside the record. Arithmetic may still have no
answer for an odd value; the engine then sets that record aside, and it alone.

What is not listed here or in `matricula.charter.operators` does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

Want = Literal[
    "text", "integer", "number", "amount", "day", "count", "word", "pattern", "format", "options"
]
Yield = Literal["text", "integer", "boolean", "date", "same"]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the language.

    Attributes:
        takes: For each part of sqlglot's node, what must stand there. `day` is a date or an
            instant; `count`, `word`, `pattern`, `format` and `options` are literals.
        gives: The type of its value; `same` is that of its first part.
    """

    takes: tuple[tuple[str, Want], ...]
    gives: Yield


_THIS: tuple[str, Want] = ("this", "text")

FUNCTIONS: dict[type[exp.Expr], Function] = {
    exp.Lower: Function((_THIS,), "text"),
    exp.Upper: Function((_THIS,), "text"),
    exp.Trim: Function((_THIS, ("expression", "text")), "text"),
    exp.Substring: Function((_THIS, ("start", "integer"), ("length", "integer")), "text"),
    exp.Left: Function((_THIS, ("expression", "integer")), "text"),
    exp.Right: Function((_THIS, ("expression", "integer")), "text"),
    exp.Length: Function((_THIS,), "integer"),
    exp.Replace: Function((_THIS, ("expression", "text"), ("replacement", "text")), "text"),
    exp.SplitPart: Function((_THIS, ("delimiter", "text"), ("part_index", "integer")), "text"),
    exp.Pad: Function((_THIS, ("expression", "count"), ("fill_pattern", "word")), "text"),
    exp.StartsWith: Function((_THIS, ("expression", "text")), "boolean"),
    exp.EndsWith: Function((_THIS, ("expression", "text")), "boolean"),
    exp.Contains: Function((_THIS, ("expression", "text")), "boolean"),
    exp.StrPosition: Function((_THIS, ("substr", "text")), "integer"),
    exp.Like: Function((_THIS, ("expression", "text")), "boolean"),
    exp.ILike: Function((_THIS, ("expression", "text")), "boolean"),
    exp.RegexpLike: Function((_THIS, ("expression", "pattern"), ("flag", "options")), "boolean"),
    exp.RegexpReplace: Function(
        (_THIS, ("expression", "pattern"), ("replacement", "word"), ("modifiers", "options")),
        "text",
    ),
    exp.RegexpExtract: Function((_THIS, ("expression", "pattern"), ("group", "count")), "text"),
    exp.Year: Function((("this", "day"),), "integer"),
    exp.Month: Function((("this", "day"),), "integer"),
    exp.Day: Function((("this", "day"),), "integer"),
    exp.TimeToStr: Function((("this", "day"), ("format", "format")), "text"),
    exp.Abs: Function((("this", "amount"),), "same"),
}

# Marks that the parser leaves on a node and that change nothing we must judge.
HARMLESS = {
    "safe", "coalesce", "big_int", "single_replace", "null_if_pos_overflow", "is_left",
    "position", "ignore_nulls", "typed", "date_part_boundary",
}  # fmt: skip

# The parts of nodes with rules of their own; each rule looks at all of its parts.
PARTS = {
    "this", "expression", "expressions", "low", "high", "ifs", "true", "false", "default", "to",
    "unit", "decimals", "is_string",
}  # fmt: skip

NOT_DETERMINISTIC = {
    "now", "random", "uuid", "gen_random_uuid", "today", "current_date", "current_time",
    "current_timestamp", "localtimestamp", "localtime", "get_current_timestamp", "rand",
    "currentdate", "currenttime", "currenttimestamp", "getdate", "transaction_timestamp",
    "setseed", "uuidv4", "uuidv7", "nextval",
}  # fmt: skip

_NAMES = """
lower upper trim ltrim rtrim substr left right length replace split_part lpad rpad
starts_with ends_with contains strpos regexp_matches regexp_replace regexp_extract
year month day strftime date_diff date_trunc abs round floor ceil greatest least
coalesce nullif concat cast try_cast as_of link
"""
NAMES = tuple(sorted(_NAMES.split()))

LONGEST_PAD = 1000
