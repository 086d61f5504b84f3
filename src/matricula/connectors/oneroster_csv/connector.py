"""OneRoster bundles of CSV files: read as a source, kept as a target.

The only file that knows paths of the charter. Judging a bundle is in `importer`, what a
write does to rows in `mapping`, and how the bundle is kept in `writing`.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute

from matricula.connectors.kit.errors import ConnectorError, GiveUp, TryAgain, Untrusted
from matricula.connectors.kit.oneroster import mapping
from matricula.connectors.kit.oneroster.tables import (
    KEY,
    LEFT,
    SECRET,
    STATUS,
    FileTable,
    tables,
)
from matricula.connectors.kit.places import held, must_be_folder, resolved, stamp_of
from matricula.connectors.kit.protocol import (
    Capabilities,
    FieldShape,
    Found,
    Health,
    Reading,
    ResourceShape,
    WriteKind,
    asks_for_nobody,
)
from matricula.connectors.kit.refuse import must_have_fields, no_resource
from matricula.connectors.oneroster_csv.header import RESERVED
from matricula.connectors.oneroster_csv.importer import Imported, import_bundle
from matricula.connectors.oneroster_csv.place import is_begun
from matricula.connectors.oneroster_csv.settings import OneRosterCsvSettings
from matricula.connectors.oneroster_csv.standing import Standing, shown
from matricula.connectors.oneroster_csv.writing import Keeper, in_kits_words
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from matricula.connectors.kit.oneroster.mapping import Index
    from matricula.connectors.kit.places import Stamp
    from matricula.connectors.kit.protocol import Context, Outcome, Value, Write

# The published stubs of `pyarrow.compute` lag behind it and refuse right calls.
pc: Any = pyarrow.compute
BATCH_ROWS = 20_000
_EVERYWHERE = ("bundle", "manifest")


class OneRosterCsvConnector:
    """A zip or a folder with the CSV files of OneRoster 1.1 or 1.2.

    Args:
        settings: Where the bundle is and how it is written.
        context: The system's name and where relative paths start.
    """

    Settings: ClassVar[type[OneRosterCsvSettings]] = OneRosterCsvSettings

    def __init__(self, settings: OneRosterCsvSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._read: tuple[Stamp | None, Imported] | None = None
        self._keeper: Keeper | None = None
        # A batch rewrites the bundle, so batches are as large as memory comfortably allows.
        self.capabilities = Capabilities(batch_size=100_000)

    def describe(self) -> list[ResourceShape]:
        """Describe the files: of a target all that its version has, of a source its own."""
        found: Imported | None = None
        with contextlib.suppress(Untrusted):
            found = self._imported()
        if self._settings.is_target or found is None:
            known = tables(self._settings.version)
        else:
            known = {name: tables(found.version)[name] for name in found.tables}
        return [self._shape(spec, found) for spec in known.values()]

    def ping(self) -> Health:
        """Say whether the bundle is there."""
        try:
            path = self._path()
            begun = path.is_dir() or is_begun(path, missing_ok=self._settings.missing_ok)
        except (ConnectorError, OSError) as error:
            return Health(well=False, sentence=str(error))
        state = "is there" if begun else "is still to be written"
        return Health(well=True, sentence=f"The bundle {path.name} {state}.")

    @contextlib.contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read one file of the bundle, all text; refuse what cannot be relied on."""
        with self._in_the_kits_words():
            found = self._imported()
            rows, findings = self._rows(resource, found)
        batches = iter(rows.to_batches(max_chunksize=BATCH_ROWS))
        yield Reading(rows.schema, batches, findings=findings)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up in one file of the bundle."""
        with self._in_the_kits_words():
            rows, _ = self._rows(resource, self._imported())
        own = [name for name in rows.column_names if name not in RESERVED]
        standing = Standing(self._settings.version, {resource: rows.select(own)})
        indexes: dict[tuple[str, ...], Index] = {}
        answers = [_matching(standing, resource, match, indexes) for match in matches]
        places = {str(key): n for n, key in enumerate(rows["_id"].to_pylist())}
        wanted = sorted({places[one] for answer in answers for one in answer})
        records = {
            row.pop("_id"): row for row in rows.take(pa.array(wanted, pa.int64())).to_pylist()
        }
        return [[Found(one, records[one]) for one in answer] for answer in answers]

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """Apply the writes to the bundle as a whole and replace it in one step."""
        self._must_support(resource, writes)
        if not writes:
            return []
        with self._in_the_kits_words():
            path = self._path()
            deltas = self._deltas(path)
            if self._keeper is None:
                self._keeper = Keeper(path, deltas, self._settings)
            with held(path):
                try:
                    return self._keeper.apply(resource, writes, at=at)
                except Untrusted as error:
                    raise in_kits_words(error) from error

    def close(self) -> None:
        """Let go of the rows held in memory."""
        self._read = None
        if self._keeper is not None:
            self._keeper.forget()

    def _shape(self, spec: FileTable, found: Imported | None) -> ResourceShape:
        there = found.tables.get(spec.name) if found is not None else None
        names = list(there.column_names) if there is not None else []
        target = self._settings.is_target
        writable = self._settings.writable(spec.name) if target else ()
        names.extend(name for name in writable if name not in names)
        fields = tuple(
            FieldShape(name, writable=name in writable, required=spec.column(name).required)
            for name in names
            if shown(name)
        )
        return ResourceShape(spec.name, fields, id_field=KEY, writes=self._verbs(spec.name))

    def _verbs(self, table: str) -> frozenset[WriteKind]:
        if not self._settings.is_target or table in self._settings.static:
            return frozenset()
        kinds: set[WriteKind] = {"create", "update", "delete"}
        # Only a user can be there and yet be kept out.
        if table == mapping.USERS:
            kinds |= {"suspend", "resume"}
        return frozenset(kinds)

    def _must_support(self, resource: str, writes: Sequence[Write]) -> None:
        if resource not in tables(self._settings.version):
            raise self._no_such(resource)
        kinds = sorted({write.kind for write in writes} - self._verbs(resource))
        if kinds:
            raise GiveUp(
                f"{self._context.system}.{resource} cannot {', '.join(kinds)} records.",
                code="M607",
                cure="Only a zip can be written, only users can be suspended, and files "
                "under `static:` are the charter's; use `on_exit: delete` elsewhere.",
            )
        named = {field for write in writes for field in (*write.fields, *write.match)}
        must_have_fields(
            f"{self._context.system}.{resource}", named, self._settings.writable(resource),
            cure="Correct the flow's field, or list it under `metadata:`.",
        )  # fmt: skip

    def _rows(self, resource: str, found: Imported | None) -> tuple[pa.Table, list[Finding]]:
        version = self._settings.version if found is None else found.version
        if resource not in tables(version):
            raise self._no_such(resource)
        if found is None or (found.modes[resource] == "absent" and self._settings.missing_ok):
            names = [name for name in self._settings.writable(resource) if shown(name)]
            empty = pa.table({name: pa.array([], pa.string()) for name in names})
            return _presented(empty, resource), []
        if resource in found.set_aside:
            error = found.set_aside[resource]
            raise Untrusted(error.message, code=error.code, cure=error.cure)
        self._must_be_whole(resource, found)
        rows = found.tables[resource]
        return _presented(_without_deleted(rows), resource), self._findings(resource, found, rows)

    def _must_be_whole(self, resource: str, found: Imported) -> None:
        if found.modes[resource] == "absent":
            raise Untrusted(
                f"The manifest says that {resource}.csv is absent.",
                code="M453",
                cure="Have it delivered, or write `missing_ok: true` for a target that "
                "Matricula itself begins.",
            )
        if found.modes[resource] == "delta":
            raise Untrusted(
                f"{resource}.csv holds changes only, by its manifest.",
                code="M457",
                cure="Have a bulk file delivered; whoever is not in a delta has not left.",
            )

    def _findings(self, resource: str, found: Imported, rows: pa.Table) -> list[Finding]:
        own = [
            one for one in found.findings if one.place.split(".")[0] in (resource, *_EVERYWHERE)
        ]
        system = self._context.system
        findings = [
            replace(one, place=f"{system}.{one.place.removesuffix('.csv')}", severity="warning")
            for one in own
        ]
        secret = [n for n in rows.column_names if n in SECRET and rows[n].null_count < len(rows)]
        deleted = rows.num_rows - _without_deleted(rows).num_rows
        notes = []
        if secret:
            notes.append((f"{', '.join(secret)} has values and was left out", "Export none."))
        if deleted:
            notes.append((f"{deleted} rows are marked {LEFT} and were left out", "None."))
        findings.extend(
            Finding(f"{system}.{resource}", "M435", f"{resource}.csv: {what}.", cure, "warning")
            for what, cure in notes
        )
        return findings

    def _imported(self) -> Imported | None:
        path = self._path()
        if not path.is_dir() and not is_begun(path, missing_ok=self._settings.missing_ok):
            return None
        now = None if path.is_dir() else stamp_of(path)
        if self._read is None or now is None or self._read[0] != now:
            # A bundle that several flows build up has no role for a user before the last.
            complete = not self._settings.is_target or not self._settings.missing_ok
            found = import_bundle(
                path,
                strict=self._settings.strict,
                complete=complete,
                largest_mb=self._settings.largest_mb,
            )
            self._read = (now, found)
        return self._read[1]

    def _path(self) -> Path:
        path = resolved(self._settings.file or self._settings.folder, self._context)
        must_be_folder(path.parent, self._context)
        return path

    def _deltas(self, path: Path) -> Path:
        if not self._settings.deltas:
            return path.parent
        return must_be_folder(resolved(self._settings.deltas, self._context), self._context)

    def _no_such(self, resource: str) -> GiveUp:
        return no_resource(self._context.system, resource, tables(self._settings.version))

    @contextlib.contextmanager
    def _in_the_kits_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TryAgain(
                f"The bundle of {self._context.system} could not be used: "
                f"{error.strerror or type(error).__name__}.",
                code="M610",
                cure="Look at the drive and at who may read and write there.",
            ) from error


def _without_deleted(rows: pa.Table) -> pa.Table:
    if STATUS not in rows.column_names:
        return rows
    gone = pc.equal(rows[STATUS], LEFT)
    return rows.filter(pc.invert(pc.fill_null(gone, fill_value=False)))


def _presented(rows: pa.Table, table: str) -> pa.Table:
    """Put `_id` and `_suspended` in front, and leave credentials out."""
    front: dict[str, Any] = {"_id": rows[KEY]}
    if table == mapping.USERS:
        kept_out: Any = pa.nulls(rows.num_rows, pa.bool_())
        if mapping.ENABLED in rows.column_names:
            enabled = pc.utf8_lower(rows[mapping.ENABLED])
            kept_out = pc.equal(enabled, "false")
        front["_suspended"] = pc.fill_null(kept_out, fill_value=False)
    own = {name: rows[name] for name in rows.column_names if shown(name)}
    presented = pa.table({**front, **own})
    if "_suspended" not in front:
        return presented
    place = presented.schema.get_field_index("_suspended")
    said = presented.schema.field(place).with_metadata({"said_by": mapping.ENABLED})
    return presented.cast(presented.schema.set(place, said))


def _matching(
    standing: Standing,
    table: str,
    match: Mapping[str, Value],
    indexes: dict[tuple[str, ...], Index],
) -> list[str]:
    if asks_for_nobody(match):
        return []
    names = tuple(sorted(name for name in match if name != "_id"))
    if names not in indexes:
        indexes[names] = standing.index(table, names) if names else {}
    wanted = tuple(mapping.as_text(match[name]) for name in names)
    found = indexes[names].get(wanted, [])
    if "_id" not in match:
        return found
    stated = str(match["_id"])
    return [stated] if stated in (found if names else standing.places(table)) else []
