"""Judge the header of a data file and give its columns their true names.

Source: OneRoster CSV Binding 1.2, section 3: names are case-sensitive, unique, in the
order of the tables, and `metadata.` columns come last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.oneroster.tables import KEY, METADATA, WITHDRAWN
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from matricula.connectors.kit.oneroster.tables import FileTable
    from matricula.connectors.oneroster_csv.text import Parsed


RESERVED = frozenset({"_id", "_suspended"})


@dataclass(frozen=True, slots=True)
class Named:
    """A table under its true column names, and what its header breaks."""

    table: pa.Table
    findings: tuple[Finding, ...]


def name_columns(parsed: Parsed, spec: FileTable) -> Named:
    """Give a parsed file its column names; columns without name or value are dropped.

    Raises:
        Untrusted: Two columns of one name, a nameless one with values (M427), or no
            `sourcedId` (M426).
    """
    place = f"{spec.name}.csv"
    findings: list[Finding] = []
    names = _true_names(parsed.header, spec, findings, place=place)
    nameless = [str(n) for n, name in enumerate(names) if not name]
    if nameless:
        if any(parsed.table[one].null_count < parsed.table.num_rows for one in nameless):
            raise _unusable(place, "a column without a name has values")
        findings.append(_finding(place, f"{len(nameless)} columns have no name and no value"))
    kept = [(str(n), name) for n, name in enumerate(names) if name]
    own = [name for _, name in kept]
    if len(set(own)) < len(own):
        twice = sorted({name for name in own if own.count(name) > 1})
        raise _unusable(place, f"{', '.join(twice)} stands in it more than once")
    if RESERVED & set(own):
        raise _unusable(place, f"{', '.join(sorted(RESERVED & set(own)))} is Matricula's own name")
    if KEY not in own:
        raise Untrusted(
            f"{place} has no column {KEY}, so its rows cannot be told apart.",
            code="M426",
            cure="Have it exported as the standard's version says.",
        )
    findings.extend(_judge(own, spec, place))
    table = parsed.table.select([number for number, _ in kept]).rename_columns(own)
    return Named(table, tuple(findings))


def _true_names(
    header: Sequence[str], spec: FileTable, findings: list[Finding], *, place: str
) -> list[str]:
    known = {name.casefold(): name for name in spec.header}
    names = []
    for raw in header:
        name = raw.strip()
        true = name if name in spec.header else known.get(name.casefold(), name)
        if true != raw and true:
            findings.append(_finding(place, f"the column {true} is not written exactly so"))
        names.append(true)
    return names


def _judge(own: Sequence[str], spec: FileTable, place: str) -> list[Finding]:
    withdrawn = [name for name in own if name in WITHDRAWN.get(spec.name, ())]
    rest = [name for name in own if name not in withdrawn]
    missing = [name for name in spec.header if name not in rest]
    foreign = [n for n in rest if n not in spec.header and not n.startswith(METADATA)]
    extra = [name for name in rest if name.startswith(METADATA)]
    standard = [name for name in rest if name in spec.header]
    findings = []
    if missing:
        findings.append(_finding(place, f"it lacks {', '.join(missing)}"))
    if foreign:
        why = f"it has columns that the version does not have: {', '.join(foreign)}"
        findings.append(_finding(place, why))
    if standard != [name for name in spec.header if name in standard]:
        findings.append(_finding(place, "its columns are not in the standard's order"))
    if extra and rest[-len(extra) :] != extra:
        findings.append(_finding(place, "its metadata columns are not the last ones"))
    if withdrawn:
        why = f"{', '.join(withdrawn)} was in drafts of the standard and is no longer"
        findings.append(_finding(place, why, severity_error=False))
    return findings


def _finding(place: str, why: str, *, severity_error: bool = True) -> Finding:
    return Finding(
        place,
        "M454",
        f"The header of {place}: {why}.",
        "Have the header written as the version's table has it.",
        "error" if severity_error else "warning",
    )


def _unusable(place: str, why: str) -> Untrusted:
    return Untrusted(
        f"The header of {place} cannot be used: {why}.",
        code="M427",
        cure="Have the export give every column one name of its own.",
    )
