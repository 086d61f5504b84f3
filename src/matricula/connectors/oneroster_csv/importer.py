"""Import a bundle: strictly, or tolerantly with a report of all that breaks the standard.

Tolerant means: what is odd but readable is read as it stands and reported; nothing is
repaired. What cannot be relied on (a file that is cut, rows nobody can tell apart) is
set aside with the reason and is not among the tables. Strict means: the first breach
refuses the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.oneroster import rules
from matricula.connectors.kit.oneroster.tables import KEY, MANIFEST, tables
from matricula.connectors.oneroster_csv import text
from matricula.connectors.oneroster_csv.header import name_columns
from matricula.connectors.oneroster_csv.manifest import Manifest, read_manifest
from matricula.connectors.oneroster_csv.package import BUNDLE, LARGEST_MB, open_package
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from matricula.connectors.kit.oneroster.tables import FileTable, Mode, Version

_SUFFIX = ".csv"


@dataclass(frozen=True, slots=True)
class Imported:
    """A bundle in memory.

    Attributes:
        version: Of OneRoster, stated or told from the files.
        tables: File name without `.csv` to its rows: all text, null where a cell is empty.
        findings: All that breaks the standard; an error would have refused a strict import.
        modes: For every file of the version.
        set_aside: Files that cannot be relied on, each with the reason.
        manifest: What the bundle says of itself.
    """

    version: Version
    tables: dict[str, pa.Table]
    findings: tuple[Finding, ...]
    modes: dict[str, Mode]
    set_aside: dict[str, Untrusted]
    manifest: Manifest


@dataclass(slots=True)
class _Desk:
    """Where one import gathers what it has found so far."""

    findings: list[Finding]
    tables: dict[str, pa.Table] = field(default_factory=dict)
    set_aside: dict[str, Untrusted] = field(default_factory=dict)

    def put_aside(self, name: str, error: Untrusted) -> None:
        self.set_aside[name] = error
        self.findings.append(Finding(f"{name}{_SUFFIX}", error.code, error.message, error.cure))


def import_bundle(
    path: Path, *, strict: bool, complete: bool = True, largest_mb: int = LARGEST_MB
) -> Imported:
    """Read a bundle and judge it against the standard.

    Args:
        path: A zip, or a folder with the files of one.
        strict: Refuse the bundle for any error.
        complete: Every user of version 1.2 must have a role; a bundle that several
            flows are still building up does not.
        largest_mb: What its files may come to when unpacked, in MB.

    Raises:
        Untrusted: The bundle cannot be opened or is dangerous; with `strict`, any breach,
            naming the first and how many there are.
    """
    package = open_package(path, largest_mb=largest_mb)
    desk = _Desk(list(package.findings))
    there = _data_files(package.files, desk)
    stated = read_manifest(_manifest_of(package.files), there, desk.findings)
    for name, spec in tables(stated.version).items():
        mode = stated.modes[name]
        if mode != "absent":
            _import_table(there.get(name), spec, mode, desk)
    for name, table in desk.tables.items():
        spec = tables(stated.version)[name]
        if stated.modes[name] == "bulk" and table.num_rows:
            desk.findings.extend(rules.reference_findings(desk.tables, spec, stated.modes))
    if complete:
        desk.findings.extend(_users_without_role(desk.tables, stated))
    if strict:
        _must_be_clean(desk.findings, path.name)
    return Imported(
        version=stated.version,
        tables=desk.tables,
        findings=tuple(desk.findings),
        modes=stated.modes,
        set_aside=desk.set_aside,
        manifest=stated,
    )


def _data_files(files: Mapping[str, bytes], desk: _Desk) -> dict[str, bytes]:
    known = {name.casefold(): name for name in tables("1.2")}
    there: dict[str, bytes] = {}
    for file, content in files.items():
        own = file[: -len(_SUFFIX)]
        name = known.get(own.casefold(), "")
        if own.casefold() == MANIFEST:
            continue
        if not name:
            message = f"The bundle holds {file}, which is no file of the standard."
            cure = "Leave it out of the bundle; it was not read."
            desk.findings.append(Finding(BUNDLE, "M453", message, cure, "warning"))
            continue
        if file != f"{name}{_SUFFIX}":
            message = f"{file} is not written {name}{_SUFFIX}."
            desk.findings.append(Finding(BUNDLE, "M453", message, "Have it written exactly so."))
        there[name] = content
    return there


def _manifest_of(files: Mapping[str, bytes]) -> bytes | None:
    for file, content in files.items():
        if file.casefold() == f"{MANIFEST}{_SUFFIX}":
            return content
    return None


def _import_table(content: bytes | None, spec: FileTable, mode: Mode, desk: _Desk) -> None:
    file = f"{spec.name}{_SUFFIX}"
    try:
        parsed = text.parse(_must_be_there(content, file, mode), file)
        named = name_columns(parsed, spec)
        _must_have_rows(named.table, file, mode, desk)
        _must_tell_rows_apart(named.table, spec)
    except Untrusted as error:
        desk.put_aside(spec.name, error)
        return
    desk.findings.extend(parsed.findings)
    desk.findings.extend(named.findings)
    desk.findings.extend(rules.column_findings(named.table, spec))
    desk.findings.extend(rules.mode_findings(named.table, spec, mode))
    desk.tables[spec.name] = named.table


def _must_be_there(content: bytes | None, file: str, mode: Mode) -> bytes:
    if content is None:
        raise Untrusted(
            f"The manifest says that {file} is {mode}, and the bundle does not hold it.",
            code="M453",
            cure="Have the bundle made again; that is no news that everybody left.",
        )
    return content


def _must_tell_rows_apart(table: pa.Table, spec: FileTable) -> None:
    for one in rules.key_findings(table, spec):
        raise Untrusted(one.message, code=one.code, cure=one.cure)


def _must_have_rows(table: pa.Table, file: str, mode: Mode, desk: _Desk) -> None:
    if table.num_rows:
        return
    if mode == "bulk":
        raise Untrusted(
            f"{file} has a header and no row; as bulk it would mean that everybody left.",
            code="M422",
            cure="Have the bundle made again; a file without rows is stated as absent.",
        )
    message = f"{file} has a header and no row, which the standard does not permit."
    cure = "Have the manifest state it as absent, and leave it out."
    desk.findings.append(Finding(file, "M422", message, cure))


def _users_without_role(found: Mapping[str, pa.Table], stated: Manifest) -> list[Finding]:
    whole = stated.version == "1.2" and stated.modes["users"] == "bulk"
    if not whole or "users" not in found or stated.modes["roles"] == "delta":
        return []
    roles = found.get("roles")
    has_roles = roles is not None and "userSourcedId" in roles.column_names
    named = set(roles["userSourcedId"].to_pylist()) if roles is not None and has_roles else set()
    without = [str(key) for key in found["users"][KEY].to_pylist() if key not in named]
    if not without:
        return []
    shown = ", ".join(without[: rules.SHOWN])
    message = f"{len(without)} users have no row in roles.csv ({shown})."
    return [Finding("users.csv", "M456", message, "Have a role delivered for every user.")]


def _must_be_clean(findings: list[Finding], bundle: str) -> None:
    errors = [one for one in findings if one.severity == "error"]
    if not errors:
        return
    first = errors[0]
    more = f" (and {len(errors) - 1} more findings)" if len(errors) > 1 else ""
    raise Untrusted(f"{bundle}: {first.message}{more}", code=first.code, cure=first.cure)
