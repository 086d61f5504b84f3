"""The control file of a bundle: read, judged, and written whole.

Source: OneRoster CSV Binding, `manifest.csv` (1.1 section 3.1, 1.2 table 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from matricula.connectors.kit.oneroster.tables import (
    MANIFEST,
    MANIFEST_VERSION,
    VERSIONS,
    Mode,
    Version,
    tables,
)
from matricula.connectors.oneroster_csv import text
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

HEADER = ("propertyName", "value")
_MODES = frozenset({"absent", "bulk", "delta"})
_PLACE = MANIFEST


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    Attributes:
        version: Of OneRoster.
        modes: For every file of that version.
        system_name: Of the system that made the bundle.
        system_code: The same system's code.
    """

    version: Version
    modes: dict[str, Mode]
    system_name: str = ""
    system_code: str = ""


def read_manifest(
    content: bytes | None, there: Mapping[str, bytes], findings: list[Finding]
) -> Manifest:
    """Read the manifest, or make one up from the files where it does not say.

    Args:
        content: The bytes of `manifest.csv`, if it is there.
        there: The data files by their name without `.csv`.
        findings: What breaks the standard is added here.

    Raises:
        Untrusted: It is there and is no CSV text.
    """
    stated = _properties(content, findings)
    if not stated:
        findings.append(
            _finding("M452", "There is no manifest.csv with properties.", "Have one delivered.")
        )
    version = _version(stated, there, findings)
    known = tables(version)
    _judge_names(stated, known, findings)
    modes = {name: _mode(name, stated, there=name in there, findings=findings) for name in known}
    return Manifest(
        version,
        modes,
        stated.get("source.systemName", ""),
        stated.get("source.systemCode", ""),
    )


def render_manifest(manifest: Manifest) -> bytes:
    """Write `manifest.csv` with every property of its version."""
    lines = [
        ("manifest.version", MANIFEST_VERSION),
        ("oneroster.version", manifest.version),
        *(
            (f"file.{name}", manifest.modes.get(name, "absent"))
            for name in tables(manifest.version)
        ),
        ("source.systemName", manifest.system_name),
        ("source.systemCode", manifest.system_code),
    ]
    names, values = zip(*lines, strict=True)
    return text.render(HEADER, text.as_table({HEADER[0]: names, HEADER[1]: values}))


def _properties(content: bytes | None, findings: list[Finding]) -> dict[str, str]:
    if content is None:
        return {}
    parsed = text.parse(content, "manifest.csv")
    findings.extend(parsed.findings)
    names = [name.strip() for name in parsed.header]
    if tuple(names[:2]) != HEADER:
        findings.append(
            _finding("M452", "Its header is not propertyName,value.", "Have it written so.")
        )
        if len(names) < len(HEADER):
            return {}
    properties: dict[str, str] = {}
    rows = parsed.table.select(["0", "1"]).to_pylist()
    for row in rows:
        name, value = row["0"] or "", row["1"] or ""
        if name in properties:
            findings.append(_finding("M452", f"{name} is stated twice.", "State it once."))
        properties.setdefault(name.strip(), value.strip())
    return properties


def _version(
    stated: Mapping[str, str], there: Collection[str], findings: list[Finding]
) -> Version:
    if stated and stated.get("manifest.version") != MANIFEST_VERSION:
        findings.append(
            _finding("M452", "manifest.version is not 1.0.", "Have it state version 1.0.")
        )
    version = stated.get("oneroster.version", "")
    if version in VERSIONS:
        return version
    # Only 1.2 has files for roles and profiles; both versions have all the others of 1.1.
    guessed: Version = "1.2" if set(there) - set(tables("1.1")) else "1.1"
    if stated:
        findings.append(
            _finding(
                "M452",
                f"oneroster.version is none of {', '.join(VERSIONS)}; it is read as {guessed}.",
                "Have the manifest state the version of the files.",
            )
        )
    return guessed


def _judge_names(
    stated: Mapping[str, str], known: Collection[str], findings: list[Finding]
) -> None:
    if not stated:
        return
    files = {f"file.{name}" for name in known}
    other = {"manifest.version", "oneroster.version", "source.systemName", "source.systemCode"}
    missing = sorted(files - set(stated))
    unknown = sorted(set(stated) - files - other)
    if missing:
        what = f"It does not state {', '.join(missing)}."
        findings.append(_finding("M452", what, "Have every file of the version stated."))
    if unknown:
        what = f"It states {len(unknown)} properties that the version does not have."
        findings.append(_finding("M452", what, "Have them left out."))


def _mode(name: str, stated: Mapping[str, str], *, there: bool, findings: list[Finding]) -> Mode:
    value = stated.get(f"file.{name}")
    if value is None:
        return "bulk" if there else "absent"
    if value not in _MODES:
        findings.append(
            _finding(
                "M452",
                f"file.{name} is none of absent, bulk, delta.",
                "Have it state one of the three.",
            )
        )
        return "bulk" if there else "absent"
    if value == "absent" and there:
        findings.append(
            _finding(
                "M453",
                f"file.{name} is absent, and {name}.csv is there; it is read as bulk.",
                "Have the manifest and the files made by the same export.",
            )
        )
        return "bulk"
    return cast("Mode", value)


def _finding(code: str, message: str, cure: str) -> Finding:
    return Finding(_PLACE, code, f"manifest.csv: {message}", cure)
