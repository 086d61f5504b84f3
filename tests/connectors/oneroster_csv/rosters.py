"""A small true roster in both versions, and bundles made of its files by hand."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime

import pyarrow as pa

from matricula.connectors.kit.oneroster.tables import tables

AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
ROSTER_1_1 = {
    "orgs": [{"sourcedId": "northfield", "name": "Northfield", "type": "school"}],
    "academicSessions": [
        {
            "sourcedId": "autumn",
            "title": "Autumn",
            "type": "term",
            "startDate": "2026-09-01",
            "endDate": "2027-01-15",
            "schoolYear": "2027",
        }
    ],
    "courses": [{"sourcedId": "bio", "title": "Biology", "orgSourcedId": "northfield"}],
    "classes": [
        {
            "sourcedId": "bio-1",
            "title": "Biology 1",
            "grades": "09,10",
            "courseSourcedId": "bio",
            "classType": "scheduled",
            "schoolSourcedId": "northfield",
            "termSourcedIds": "autumn",
        }
    ],
    "users": [
        {
            "sourcedId": "amara",
            "enabledUser": "true",
            "orgSourcedIds": "northfield",
            "role": "student",
            "username": "amara",
            "givenName": "Amara",
            "familyName": 'O"Kafor',
        },
        {
            "sourcedId": "dewi",
            "enabledUser": "false",
            "orgSourcedIds": "northfield",
            "role": "teacher",
            "username": "dewi",
            "givenName": "Dewi",
            "familyName": "Putra",
            "agentSourcedIds": "amara",
        },
    ],
    "enrollments": [
        {
            "sourcedId": "amara-bio-1",
            "classSourcedId": "bio-1",
            "schoolSourcedId": "northfield",
            "userSourcedId": "amara",
            "role": "student",
            "beginDate": "2026-09-07",
        }
    ],
}
_MOVED = {"orgSourcedIds", "role"}
ROSTER_1_2 = {
    **ROSTER_1_1,
    "users": [
        {name: value for name, value in row.items() if name not in _MOVED}
        for row in ROSTER_1_1["users"]
    ],
    "roles": [
        {
            "sourcedId": f"{user}-role",
            "userSourcedId": user,
            "roleType": "primary",
            "role": role,
            "orgSourcedId": "northfield",
        }
        for user, role in (("amara", "student"), ("dewi", "teacher"))
    ],
}


def as_tables(roster):
    """Arrow tables of the rows, every column of the version present."""
    found = {}
    for name, rows in roster.items():
        names = dict.fromkeys(column for row in rows for column in row)
        found[name] = pa.table(
            {one: pa.array([row.get(one) for row in rows], pa.string()) for one in names}
        )
    return found


def texts(roster, version, *, mode="bulk", **manifest):
    """Files of a bundle as text, written by hand so that the exporter is not its own judge."""
    known = tables(version)
    files = {}
    for name, rows in roster.items():
        header = known[name].header
        lines = [",".join(header)]
        for row in rows:
            cells = [row.get(one, "") for one in header]
            lines.append(",".join(_cell(cell) for cell in cells))
        files[f"{name}.csv"] = "\r\n".join(lines) + "\r\n"
    stated = {"manifest.version": "1.0", "oneroster.version": version}
    stated |= {f"file.{name}": mode if name in roster else "absent" for name in known}
    stated |= {"source.systemName": "", "source.systemCode": "", **manifest}
    lines = [f"{name},{value}" for name, value in stated.items() if value is not None]
    files["manifest.csv"] = "\r\n".join(["propertyName,value", *lines]) + "\r\n"
    return files


def zipped(files, path, *, under=""):
    """Zip files given as text or bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{under}{name}", content)
    return path


def _cell(cell):
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set('",\r\n') else cell
