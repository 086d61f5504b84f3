"""The systems around Northfield: a Moodle, a Koha, SIP2, and for real SCIM, LDAP and SMTP.

Those that are ours to start keep what they hold in the university's folder, and are put back
with it; of the others the contents are kept aside, and put back by `as_settled`.
"""

from __future__ import annotations

import copy
import secrets
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from matricula.cli.demo import counterparts
from matricula.connectors.ldap import slapd
from tests.counterparts.mail_server import MailServer, mail_server
from tests.counterparts.scim_server import scim_server
from tests.counterparts.slapd_server import Hand, door_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from matricula.cli.demo.counterparts import Campus
    from matricula.connectors.ldap.slapd import DirectoryServer

_PEOPLE = "ou=people,dc=northfield,dc=example"
_SUSPENDED = "ou=suspended,dc=northfield,dc=example"
_STAFF = "ou=staff,dc=northfield,dc=example"
_ROLES = "ou=roles,dc=northfield,dc=example"
# What a directory notes of its own accord.
_NOTED = {"entryCSN", "modifyTimestamp", "modifiersName"}


@dataclass
class Systems:
    """What runs as long as the tests of a file; what of it is real runs for each test.

    Attributes:
        folder: Of the university.
        campus: The systems as the demonstration starts them.
        mail: The mail server.
        directory: The directory that runs; None before, and where none is installed.
    """

    folder: Path
    campus: Campus
    mail: MailServer
    directory: DirectoryServer | None = None
    _kept: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the SCIM server and the directory, with what the folder keeps of them."""
        port = int(self.campus.scim.split(":")[2].removesuffix("/v2"))
        with ExitStack() as stack:
            stack.enter_context(
                scim_server(token=self.campus.token, keeps=self.folder / "idp.json", port=port)
            )
            if self.campus.directory:
                self.directory = stack.enter_context(self._directory(self.campus.directory))
            yield
        self.directory = None

    @contextmanager
    def _directory(self, named: DirectoryServer) -> Iterator[DirectoryServer]:
        kept = self.folder / "directory.ldif"
        extras = slapd.Extras(
            kept=kept.read_text(encoding="utf-8") if kept.exists() else "",
            passwords=(named.password, named.root_password),
            port=int(named.url.rpartition(":")[2]),
        )
        with slapd.directory_server(extras) as server:
            yield server

    def keep(self) -> None:
        """Keep what everything holds, to come back to it."""
        if self.directory:
            (self.folder / "directory.ldif").write_text(self.directory.content(), encoding="utf-8")
        self._kept = self._contents()

    def as_settled(self) -> None:
        """Have the systems that live in this process hold what they held when it was kept."""
        for name, value in self._contents(self._kept).items():
            setattr(self._places[name], name, value)
        self.campus.moodle.is_closed = False
        self.mail.got.clear()

    @property
    def _places(self) -> dict[str, Any]:
        campus = self.campus
        return {"site": campus.moodle, "library": campus.library, "people": campus.law}

    def _contents(self, of: dict[str, Any] | None = None) -> dict[str, Any]:
        found = of or {name: getattr(place, name) for name, place in self._places.items()}
        lock = found["library"].lock
        return copy.deepcopy(found, {id(lock): lock})

    def account(self, number: str) -> dict[str, Any]:
        """Ask the identity provider for an account."""
        found = httpx2.get(
            f"{self.campus.scim}/Users?count=100",
            headers={"Authorization": f"Bearer {self.campus.token}"}, timeout=30,
        ).raise_for_status().json()["Resources"]  # fmt: skip
        (one,) = [user for user in found if user["externalId"] == number]
        return dict(one)

    def user(self, number: str) -> dict[str, Any]:
        """Look up an account in Moodle."""
        (one,) = self.campus.moodle.site.users.by("idnumber", number)
        return dict(one)

    def spaces(self, number: str, role: str = "student") -> dict[str, bool]:
        """Say into which courses Moodle lets somebody: by code, whether the door is open."""
        site, user = self.campus.moodle.site, self.user(number)["id"]
        numbers = {"student": 5, "teacher": 4, "editingteacher": 3}
        found = {}
        for one in site.role_assignments.all():
            if one["userid"] == user and one["roleid"] == numbers[role]:
                (enrolment,) = site.enrolments.by("pair", one["pair"])
                course = site.one("courses", one["courseid"])
                found[course["idnumber"]] = bool(enrolment["is_active"])
        return found

    def patron(self, number: str) -> dict[str, Any]:
        """Look up a patron of the University Library."""
        library = self.campus.library.library
        return dict(library.patrons[library.numbered(number)])

    def lend(self, number: str, *due: date, owed: float = 0.0) -> None:
        """Have the University Library lend somebody books."""
        library = self.campus.library.library
        patron = library.numbered(number)
        library.loans[patron], library.debits[patron] = list(due), [owed] if owed else []

    def entries(self, *branches: str) -> dict[str, dict[str, list[str]]]:
        """Read the directory's people, staff and roles, by name; nothing where there is none."""
        if self.directory is None:
            return {}
        hand = Hand(door_of(self.directory))
        found = {
            entry.dn: {
                name: sorted(value.decode(errors="replace") for value in values)
                for name, values in entry.attributes.items()
                if name not in _NOTED
            }
            for branch in branches or (_PEOPLE, _SUSPENDED, _STAFF, _ROLES)
            for entry in hand.look(branch)
        }
        hand.close()
        return found

    def entry(self, number: str) -> dict[str, list[str]] | None:
        """Look somebody up in the directory; None where it is not installed."""
        if self.directory is None:
            return None
        (one,) = [e for e in self.entries().values() if e.get("employeeNumber") == [number]]
        return one

    def duties(self) -> dict[str, list[str]]:
        """List the groups of duties in the directory, with the names of their members."""
        return {
            entry["cn"][0]: [m for m in entry["member"] if not m.startswith("cn=nobody")]
            for entry in self.entries(_ROLES).values()
            if "member" in entry
        }


def connect(folder: Path, running: ExitStack, today: Callable[[], date]) -> Systems:
    """Start what runs as long as the tests of a file, and lay the charter down.

    Args:
        folder: Of the university.
        running: What ends them.
        today: The university's day, by which the library goes.
    """
    directory = None
    if slapd.binary():
        directory = slapd.DirectoryServer(
            f"ldap://127.0.0.1:{_free_port()}", password=secrets.token_hex(12),
            root_password=secrets.token_hex(12),
        )  # fmt: skip
    campus = running.enter_context(
        counterparts.campus(
            f"http://127.0.0.1:{_free_port()}/v2", secrets.token_hex(12), directory
        )
    )
    campus.library.library.today = today
    campus.write_charter(folder)
    return Systems(folder, campus, running.enter_context(mail_server()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
