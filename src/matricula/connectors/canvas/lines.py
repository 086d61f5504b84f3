"""What a write becomes: a line of a file, given what Canvas holds now. Pure.

A line names its record and says all that Canvas requires or would otherwise clear; of what
the write does not change, it says what Canvas holds now, so that nobody's edit is undone on
the way. Values that only have to be left alone are left empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from matricula.connectors.canvas import mapping, refusals
from matricula.connectors.canvas.tables import LOGINS, USERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.canvas.mapping import Row
    from matricula.connectors.canvas.tables import Spec
    from matricula.connectors.kit.protocol import Value, Write

DELETED = "deleted"
CHANGES = "change_sis_id.csv"
CHANGE_COLUMNS = ("old_id", "new_id", "type")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    Attributes:
        key: The write's key.
        external_id: The record, as it is named afterwards.
        file: Which file the line is of.
        cells: By column.
        meant: What Canvas must hold afterwards; empty for a deletion.
        adopted: The record was there before, and is another's no longer.
        renamed: The record's SIS ID until now, where the line changes it.
        deletes: Whether the record must be gone afterwards.
        overrides: Whether the charter grants all fields of it that Canvas might keep.
        fresh: Whether the record was not there, so that nobody can have changed it.
    """

    key: str
    external_id: str
    file: str
    cells: Mapping[str, str]
    meant: Mapping[str, Value] = field(default_factory=dict)
    adopted: bool = False
    renamed: str = ""
    deletes: bool = False
    overrides: bool = False
    fresh: bool = False


def granted(spec: Spec, values: Mapping[str, Value]) -> Row:
    """Bring values into the form in which Canvas's own are read.

    Raises:
        SkipRow: Canvas cannot hold one of them as it is (M604).
    """
    try:
        return {
            name: mapping.canonical(spec.by_name[name], value) for name, value in values.items()
        }
    except mapping.Misfit as misfit:
        raise refusals.misfit(str(misfit)) from None


def created(spec: Spec, write: Write, values: Row) -> Line:
    """Make the line of a record that is not there.

    Raises:
        SkipRow: A value that Canvas requires is missing (M604).
    """
    for column in spec.columns:
        if column.always and values.get(column.name) is None:
            raise refusals.misfit(f"{column.name} is missing, and Canvas requires it")
    cells = {
        name: mapping.cell(spec.by_name[name], value)
        for name, value in values.items()
        if value is not None
    }
    if spec is not LOGINS:
        cells["status"] = str(values.get("status") or spec.statuses[0])
    meant = {name: value for name, value in values.items() if value is not None}
    external_id = str(mapping.id_of(spec, values))
    return Line(write.key, external_id, spec.file, cells, meant, fresh=True)


def changed(spec: Spec, write: Write, current: Row, values: Row) -> Line | None:
    """Make the line that gives a record other values; None where it holds them already.

    Args:
        spec: Of which resource.
        write: For its key, and for what the flow grants.
        current: What Canvas holds, with `_id`.
        values: What it is to hold, of the fields that change.

    Raises:
        SkipRow: The change cannot be expressed (M604, M607).
    """
    meant = {name: value for name, value in values.items() if current.get(name) != value}
    if not meant:
        return None
    old = str(current["_id"])
    new = mapping.id_of(spec, {**current, **meant})
    if new != old and not spec.kind:
        raise refusals.misfit(f"{', '.join(spec.identity)} say which record it is")
    for name, value in meant.items():
        if value is None and spec.by_name[name].blank == "keeps":
            raise refusals.misfit(f"{name} cannot be emptied by an import")
    line = Line(write.key, str(new), spec.file, _cells(spec, write, current, meant), meant)
    return replace(line, renamed=old) if new != old else line


def deleted(spec: Spec, write: Write, current: Row) -> Line:
    """Make the line that deletes a record."""
    file = USERS.file if spec is LOGINS else spec.file
    kept = {
        one.name: mapping.cell(one, current.get(one.name))
        for one in spec.columns
        if one.always and one.name != "existing_user_id"
    }
    cells = {**kept, "status": DELETED}
    return Line(write.key, str(current["_id"]), file, cells, deletes=True)


def put(spec: Spec, write: Write, values: Row) -> Row:
    """Say what a record that is there is to hold after a write, of the fields it changes."""
    if write.kind == "create":
        return {name: value for name, value in values.items() if value is not None}
    meant = {name: value for name, value in values.items() if name in write.changed}
    if write.kind == "suspend":
        meant = {"status": spec.suspended}
    elif write.kind == "resume" and values.get("status") in (None, spec.suspended):
        meant["status"] = spec.statuses[0]
    elif write.kind == "resume":
        meant["status"] = values["status"]
    return meant


def override(line: Line, spec: Spec, fields: Sequence[str]) -> Line:
    """Mark a line all of whose fields that might stick are the charter's to write."""
    sticking = spec.sticky & set(line.meant)
    if line.deletes:
        sticking = spec.sticky & {"status"}
    return replace(line, overrides=bool(sticking) and sticking <= set(fields))


def difference(spec: Spec, line: Line, seen: Row | None) -> frozenset[str]:
    """Name what Canvas does not hold as it was meant; of a record that is missing, everything."""
    if line.deletes:
        return frozenset({"status"} if seen is not None else ())
    if seen is None:
        return frozenset(line.meant) | {"_id"}
    told = (name for name in line.meant if spec.by_name[name].told)
    return frozenset(name for name in told if not _same(name, line.meant[name], seen.get(name)))


def _same(name: str, meant: Value, seen: Value) -> bool:
    if name == "login_id":
        return str(meant).casefold() == str(seen or "").casefold()
    return meant == seen


def _cells(spec: Spec, write: Write, current: Row, meant: Mapping[str, Value]) -> dict[str, str]:
    cells = {"status": str(current.get("status") or spec.statuses[0])}
    # Canvas works a name's other forms out anew unless they are said with it.
    with_name = {"sortable_name"} & set(write.fields) if "full_name" in meant else set()
    for column in spec.columns:
        if column.name in meant:
            cells[column.name] = mapping.cell(column, meant[column.name])
        elif column.always or column.blank == "clears" or column.name in with_name:
            value = current.get(column.name)
            if not column.told:
                # What Canvas does not show is sent as the flow has it, or it would be cleared.
                value = granted(spec, {column.name: write.fields.get(column.name)})[column.name]
            cells[column.name] = "" if value is None else mapping.cell(column, value)
    return cells
