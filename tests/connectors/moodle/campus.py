"""A Moodle connector and what it speaks to, and people to write: Amara, Bela, Chidi, Dewi."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.protocol import Found, Outcome, Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, WriteKind
    from matricula.connectors.moodle.connector import MoodleConnector
    from matricula.connectors.moodle.simulator import Moodle, Site
    from matricula.connectors.moodle.wire import Wire

_NAMES = {"amara": "Okafor", "bela": "Kovács", "chidi": "Eze", "dewi": "Lestari"}


@dataclass
class Campus:
    """A connector on a Moodle.

    Attributes:
        connector: On `wire`'s Moodle.
        wire: For what a test asks Moodle itself.
        mark: In every identifier, so that a Moodle in use has none of them yet.
        moodle: The simulator; None for a real one.
    """

    connector: MoodleConnector
    wire: Wire
    mark: str = ""
    moodle: Moodle | None = None
    _made: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        """What the simulator holds."""
        assert self.moodle is not None
        return self.moodle.site

    def write(self, resource: str, *writes: Write) -> list[Outcome]:
        return self.connector.write(resource, writes, at=AT)

    def make(self, resource: str, *writes: Write) -> list[str]:
        outcomes = self.write(resource, *writes)
        assert [one.error for one in outcomes] == [None] * len(writes)
        return [str(one.external_id) for one in outcomes]

    def find(self, resource: str, **match: Value) -> list[Found]:
        (found,) = self.connector.find(resource, [match])
        return found

    def fields(self, resource: str, record_id: str) -> Mapping[str, Value]:
        (found,) = self.find(resource, _id=record_id)
        return found.fields

    def rows(self, resource: str) -> list[dict[str, object]]:
        with self.connector.read(resource) as reading:
            return [row for batch in reading.batches for row in batch.to_pylist()]

    def person(self, name: str, **more: Value) -> dict[str, Value]:
        """Write down an account as a flow would."""
        login = f"{name}{self.mark}"
        return {
            "idnumber": f"S-{login}",
            "username": login,
            "firstname": name.title(),
            "lastname": _NAMES.get(name, name),
            "email": f"{login}@northfield.example",
            **more,
        }

    def course(self, name: str = "law", **more: Value) -> dict[str, Value]:
        """Write down a course."""
        code = f"{name}{self.mark}"
        fixed = {"categoryid": "1", "startdate": "2026-09-21", "enddate": "2027-01-15"}
        return {"idnumber": code, "shortname": code, "fullname": f"On {code}", **fixed, **more}

    def taught(self, *names: str) -> tuple[str, list[str]]:
        """Have a course, and people with accounts but not yet in it."""
        (course,) = self.make("courses", create("course", self.course()))
        people = self.make("users", *(create(name, self.person(name)) for name in names))
        return course, people


def create(
    key: str, fields: Mapping[str, Value], match: Sequence[str] = ("idnumber",), **more: object
) -> Write:
    """Intend to create a record."""
    found_by = {name: fields[name] for name in match if name in fields}
    return Write(key, "create", None, fields, frozenset(fields), found_by, **more)  # type: ignore[arg-type]  # `spared` alone


def change(record_id: str, kind: WriteKind = "update", **changes: Value) -> Write:
    """Intend to change some fields of a record."""
    return Write(f"change-{record_id}", kind, record_id, changes, frozenset(changes))


def enrol(course: str, user: str, role: str = "student", **more: Value) -> Write:
    """Intend to enrol somebody."""
    fields = {"courseid": course, "userid": user, "role": role, **more}
    match = {"courseid": course, "userid": user, "role": role}
    return Write(f"{course}-{user}-{role}", "create", None, fields, frozenset(fields), match)
