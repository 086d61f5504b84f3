"""The LDAP connector's subjects, on one real slapd: people, groups, memberships."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.protocol import Write
from tests.counterparts.slapd_server import branch_of, connected, door

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

_FEW = 5
_NOBODY = "00000000-0000-4000-8000-000000000000"
_made: dict[str, list[str]] = {}


@contextmanager
def _make(folder: Path) -> Iterator[Connector]:
    del folder
    with branch_of(door()) as branch, connected(branch, page_size=10, batch_size=50) as connector:
        yield connector


@contextmanager
def _away(folder: Path) -> Iterator[Connector]:
    del folder
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    with connected(door().base, url="ldap://127.0.0.1:9", starttls=False) as connector:
        yield connector


@contextmanager
def _make_with_both(folder: Path) -> Iterator[Connector]:
    with _make(folder) as connector:
        for resource, row in (("people", _person), ("sections", _section)):
            wanted = [
                Write(f"{resource}-{n}", "create", None, row(n), match={"cn": row(n)["cn"]})
                for n in range(_FEW)
            ]
            outcomes = connector.write(resource, wanted, at=AT)
            _made[resource] = [str(one.external_id) for one in outcomes]
        yield connector


def _person(n: int) -> Mapping[str, Value]:
    return {
        "uid": f"ango{n}",
        "employeeNumber": f"S{n:06d}",
        "cn": f"Amara Ngô {n}",
        "sn": f"Ngô {n}",
        "givenName": 'Amara "the first", (A)',
        "displayName": f"Amara Ngô {n}",
        "mail": f"ango{n}@northfield.example",
        "preferredLanguage": "en-GB",
        "description": "reads Law",
        "departmentNumber": "Law",
        "eduPersonPrincipalName": f"ango{n}@northfield.example",
        "eduPersonAffiliation": '["member", "student"]',
        "schacHomeOrganization": "northfield.example",
        "schacDateOfBirth": "20050917",
        "schacGender": 2,
        "schacExpiryDate": "2029-06-30T00:00:00Z",
    }


def _section(n: int) -> Mapping[str, Value]:
    return {"cn": f"LAW10{n}-A", "description": "Contract law", "businessCategory": "module"}


def _membership(n: int) -> Mapping[str, Value]:
    # The directory gives identifiers, so a row can only be written once both are there.
    if not _made:
        return {"group": f"group-{n}", "member": f"person-{n}"}
    return {
        "group": _made["sections"][n // _FEW % _FEW],
        "member": _made["people"][n % _FEW],
    }


def _of_intake(n: int) -> Mapping[str, Value]:
    member = _made["people"][n % _FEW] if _made else f"person-{n}"
    return {"group": f"2026, autumn {n // _FEW}", "member": member}


PEOPLE = Subject(
    name="ldap-people",
    make=_make,
    resource="people",
    row=_person,
    match=("employeeNumber",),
    change=("departmentNumber", "Medicine"),
    text="description",
    clears="preferredLanguage",
    refused={"mail": "é@northfield.example"},
    absent_id=_NOBODY,
    many=25,
    away=_away,
)
GROUPS = Subject(
    name="ldap-groups",
    make=_make,
    resource="sections",
    row=_section,
    match=("cn",),
    change=("businessCategory", "lecture"),
    text="description",
    clears="businessCategory",
    refused={"cn": ""},
    writes=frozenset({"create", "update", "delete"}),
    absent_id=_NOBODY,
    many=25,
    away=_away,
)
MEMBERSHIPS = Subject(
    name="ldap-memberships",
    make=_make_with_both,
    resource="sections_members",
    row=_membership,
    match=("group", "member"),
    writes=frozenset({"create", "delete"}),
    many=25,
    away=_away,
)
INTAKES = Subject(
    name="ldap-memberships-by-name",
    make=_make_with_both,
    resource="intakes_members",
    row=_of_intake,
    match=("group", "member"),
    writes=frozenset({"create", "delete"}),
    many=25,
    away=_away,
)
SUBJECTS = [PEOPLE, GROUPS, MEMBERSHIPS, INTAKES]
