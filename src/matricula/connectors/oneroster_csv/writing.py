"""Keep the bundle: take it as it stands, apply a batch, and put the new one in its place.

The bundle itself is the store. In delta mode the file of changes is written first: after
a crash between the two its rows are sent again, which harms nobody; a change that no
file of changes ever told would be lost.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp, Untrusted
from matricula.connectors.kit.moments import instant
from matricula.connectors.kit.oneroster import mapping
from matricula.connectors.kit.oneroster.tables import (
    ACTIVE,
    KEY,
    LEFT,
    MODIFIED,
    STATUS,
    tables,
)
from matricula.connectors.kit.places import stamp_of
from matricula.connectors.oneroster_csv.exporter import (
    bundle_bytes,
    export_bundle,
    put_bundle,
)
from matricula.connectors.oneroster_csv.importer import Imported, import_bundle
from matricula.connectors.oneroster_csv.place import is_begun, mark_begun
from matricula.connectors.oneroster_csv.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from matricula.connectors.kit.oneroster.mapping import Row
    from matricula.connectors.kit.places import Stamp
    from matricula.connectors.kit.protocol import Outcome, Write
    from matricula.connectors.oneroster_csv.settings import OneRosterCsvSettings

Changes = dict[str, dict[str, "Row | None"]]


class Keeper:
    """Writes one bundle.

    Args:
        path: The zip.
        deltas: The folder for files of changes; used in delta mode.
        settings: The charter's.
    """

    def __init__(self, path: Path, deltas: Path, settings: OneRosterCsvSettings) -> None:
        self._path = path
        self._deltas = deltas
        self._settings = settings
        self._known: tuple[Stamp | None, Standing] | None = None

    def apply(self, table: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """Apply a batch to one file of the bundle; the caller holds the lock.

        Raises:
            Untrusted: The bundle that is there cannot be built upon.
            GiveUp: What the charter fixes breaks the standard.
        """
        before = self._standing()
        fixed, changes = self._with_static(before)
        sheet = self._sheet(fixed, table, writes)
        outcomes = mapping.apply(sheet, writes, partial(fixed.inward, table))
        moved = {one: row for one, row in sheet.after.items() if row != sheet.before.get(one)}
        if moved:
            changes[table] = moved
        if changes:
            self._save(before, fixed.replaced(table, moved) if moved else fixed, changes, at)
        return outcomes

    def forget(self) -> None:
        """Let go of the rows held in memory."""
        self._known = None

    def _standing(self) -> Standing:
        now = stamp_of(self._path)
        if self._known is not None and now is not None and self._known[0] == now:
            return self._known[1]
        version = self._settings.version
        if not is_begun(self._path, missing_ok=self._settings.missing_ok):
            return Standing(version, {})
        found = import_bundle(
            self._path, strict=True, complete=False, largest_mb=self._settings.largest_mb
        )
        self._must_be_whole(found)
        return Standing(version, found.tables)

    def _must_be_whole(self, found: Imported) -> None:
        if found.version != self._settings.version:
            raise Untrusted(
                f"{self._path.name} is of version {found.version}, and the charter says "
                f"{self._settings.version}.",
                code="M452",
                cure="Change `version:`, or give the new bundle another name.",
            )
        deltas = [name for name, mode in found.modes.items() if mode == "delta"]
        if deltas:
            raise Untrusted(
                f"{self._path.name} holds changes only, in {', '.join(deltas)}.",
                code="M457",
                cure="Name the whole bundle in `file:`; changes go to `deltas:`.",
            )

    def _with_static(self, standing: Standing) -> tuple[Standing, Changes]:
        changes: Changes = {}
        for table, stated in self._settings.static.items():
            wanted = {str(row[KEY]): {n: v or None for n, v in row.items()} for row in stated}
            there = standing.rows(table, list(standing.places(table)))
            moved: dict[str, Row | None] = {
                one: row for one, row in wanted.items() if _filled(row) != _filled(there.get(one))
            }
            moved.update(dict.fromkeys(one for one in there if one not in wanted))
            if moved:
                changes[table] = moved
                standing = standing.replaced(table, moved)
        return standing, changes

    def _sheet(self, standing: Standing, table: str, writes: Sequence[Write]) -> mapping.Sheet:
        spec = tables(self._settings.version)[table]
        identifiers, names = mapping.touched(writes)
        indexes = {one: standing.index(table, one) for one in names}
        for write in writes:
            one = tuple(sorted(write.match))
            if one in indexes:
                wanted = tuple(mapping.as_text(write.match[name]) for name in one)
                identifiers.update(indexes[one].get(wanted, ()))
        gone = {write.external_id or "" for write in writes if write.kind == "delete"}
        return mapping.Sheet(
            spec=spec,
            writable={n: spec.column(n) for n in self._settings.writable(table)},
            before=standing.rows(table, identifiers),
            present=standing.places(table),
            elsewhere={
                column.refers: standing.places(column.refers)
                for column in spec.columns
                if column.refers and column.refers != table
            },
            named=standing.naming(table, gone) if gone else {},
            indexes=indexes,
        )

    def _save(self, before: Standing, after: Standing, changes: Changes, at: datetime) -> None:
        source = (self._settings.source.system_name, self._settings.source.system_code)
        # Judged before anything is told: what the standard refuses must not be announced.
        whole = bundle_bytes(
            after.tables, version=after.version, mode="bulk", at=at, source=source
        )
        if self._settings.mode == "delta":
            self._tell(before, after, changes, at)
        put_bundle(whole, self._path)
        mark_begun(self._path)
        self._known = (stamp_of(self._path), after)

    def _tell(self, before: Standing, after: Standing, changes: Changes, at: datetime) -> None:
        """Write this run's changes, together with those of its earlier batches."""
        path = self._deltas / f"delta-{at:%Y%m%dT%H%M%S%f}Z.zip"
        told = Standing(after.version, {})
        if path.exists():
            found = import_bundle(path, strict=True, largest_mb=self._settings.largest_mb)
            told = Standing(after.version, found.tables)
        for table, rows in changes.items():
            old = before.rows(table, [one for one, row in rows.items() if row is None])
            told = told.replaced(table, _as_delta(rows, old, at))
        source = (self._settings.source.system_name, self._settings.source.system_code)
        export_bundle(told.tables, path, version=after.version, mode="delta", at=at, source=source)


def in_kits_words(error: Untrusted) -> GiveUp:
    """Turn distrust of the bundle that stands into what a writer may raise."""
    return GiveUp(error.message, code=error.code, cure=error.cure)


def _as_delta(
    rows: Mapping[str, Row | None], old: Mapping[str, Row], at: datetime
) -> dict[str, Row | None]:
    told: dict[str, Row | None] = {}
    for identifier, row in rows.items():
        if row is not None:
            told[identifier] = {**row, STATUS: ACTIVE, MODIFIED: instant(at)}
        elif identifier in old:
            told[identifier] = {**old[identifier], STATUS: LEFT, MODIFIED: instant(at)}
    return told


def _filled(row: Mapping[str, str | None] | None) -> dict[str, str]:
    return {name: value for name, value in (row or {}).items() if value is not None}
