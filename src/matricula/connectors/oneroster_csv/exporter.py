"""Export a bundle: strictly, in one step, and always the same bytes for the same rows.

What breaks the standard is refused by file, column and row before anything is written.
Rows are put in the order of their `sourcedId`, files in the order of the standard, and
the zip carries no time of its own.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.moments import instant
from matricula.connectors.kit.oneroster import rules
from matricula.connectors.kit.oneroster.tables import (
    ACTIVE,
    KEY,
    MANIFEST,
    METADATA,
    MODIFIED,
    STATUS,
    tables,
)
from matricula.connectors.kit.places import replacement
from matricula.connectors.oneroster_csv import text
from matricula.connectors.oneroster_csv.manifest import Manifest, render_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from matricula.connectors.kit.oneroster.tables import FileTable, Mode, Version
    from matricula.kernel.findings import Finding

# The published stubs of `pyarrow.compute` lag behind it and refuse right calls.
pc: Any = pyarrow.compute
# The zip format knows no earlier time; the run's instant is in the rows, where it counts.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX, _REGULAR_FILE = 3, 0o100644 << 16


def export_bundle(
    found: Mapping[str, pa.Table],
    path: Path,
    *,
    version: Version,
    mode: Mode,
    at: datetime,
    source: tuple[str, str] = ("", ""),
) -> None:
    """Write a bundle; it appears under its name when it is whole, or not at all.

    Args:
        found: As in `bundle_bytes`, which also says what is refused.
        path: The zip to make or to replace.
        version: Of OneRoster.
        mode: `bulk` or `delta`.
        at: The run's instant, UTC.
        source: Name and code of the system for the manifest.
    """
    put_bundle(bundle_bytes(found, version=version, mode=mode, at=at, source=source), path)


def put_bundle(content: bytes, path: Path) -> None:
    """Put the bytes of a bundle in its place, in one step, durable when this returns."""
    with replacement(path) as temporary:
        temporary.write_bytes(content)


def bundle_bytes(
    found: Mapping[str, pa.Table],
    *,
    version: Version,
    mode: Mode,
    at: datetime,
    source: tuple[str, str] = ("", ""),
) -> bytes:
    """Judge a bundle and make its zip.

    Args:
        found: File name without `.csv` to rows of text. A table without a row is stated
            as absent, for the standard permits no empty file. Columns may be missing and
            may stand in any order; those of the standard are written all, in its order.
        version: Of OneRoster.
        mode: `bulk`, where status and date stay blank; or `delta`, where rows without a
            status are active and rows without a date were changed `at`.
        at: The run's instant, UTC.
        source: Name and code of the system for the manifest.

    Raises:
        GiveUp: A table or column that the version does not have, or a value that breaks
            its rules, by column and row (M455; M431, M432 for keys; M453 for filled
            bulk rows; M456 for references).
    """
    known = tables(version)
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise GiveUp(
            f"OneRoster {version} has no file {', '.join(unknown)}.",
            code="M602",
            cure=f"Write one of {', '.join(known)}.",
        )
    ready = {
        name: _ready(found[name], spec, mode, at)
        for name, spec in known.items()
        if name in found and found[name].num_rows
    }
    modes: dict[str, Mode] = dict.fromkeys(ready, mode)
    for name, table in ready.items():
        _must_keep_the_rules(table, known[name], mode)
    # After every file by itself: a missing row is worse news than what refers to it.
    if mode == "bulk":
        for name in ready:
            _refuse_any(rules.reference_findings(ready, known[name], modes))
    manifest = Manifest(version, modes, *source)
    return _zipped(ready, manifest)


def _ready(table: pa.Table, spec: FileTable, mode: Mode, at: datetime) -> pa.Table:
    names = [*spec.header, *(n for n in table.column_names if n not in spec.header)]
    foreign = [name for name in names[len(spec.header) :] if not name.startswith(METADATA)]
    if foreign:
        raise GiveUp(
            f"{spec.name}.csv has no column {', '.join(foreign)}.",
            code="M603",
            cure=f"Use the standard's columns, or one that begins with {METADATA}",
        )
    nothing = pa.nulls(table.num_rows, pa.string())
    columns = {n: table[n] if n in table.column_names else nothing for n in names}
    if mode == "delta":
        columns[STATUS] = pc.fill_null(columns[STATUS], ACTIVE)
        columns[MODIFIED] = pc.fill_null(columns[MODIFIED], instant(at))
    whole = pa.table(columns)
    return whole.take(pc.sort_indices(whole, sort_keys=[(KEY, "ascending")]))


def _must_keep_the_rules(table: pa.Table, spec: FileTable, mode: Mode) -> None:
    _refuse_any(rules.key_findings(table, spec))
    _refuse_any(rules.column_findings(table, spec))
    _refuse_any(rules.mode_findings(table, spec, mode))


def _refuse_any(findings: Iterator[Finding]) -> None:
    for one in findings:
        raise GiveUp(one.message, code=one.code, cure="Correct them at their owner.")


def _zipped(ready: Mapping[str, pa.Table], manifest: Manifest) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        _add(archive, MANIFEST, render_manifest(manifest))
        for name, table in ready.items():
            _add(archive, name, text.render(table.column_names, table))
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(f"{name}.csv", _NO_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system, info.external_attr = _UNIX, _REGULAR_FILE
    archive.writestr(info, content)
