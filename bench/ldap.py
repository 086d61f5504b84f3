"""Bench a directory: everybody's first load through the hub, then a pass with nothing to do.

    python bench/ldap.py [--people 30000] [--times 1]

A real slapd that keeps nothing safe from a crash, one for each measurement of adding. The
yardstick is a bare loop that adds entries of the same attributes by the same client, as many
under way at once, looking for nobody first. The load is delivered by the hub, with its ledger
and its audit, and looks everybody up before adding; it is timed from the first write to the
last, and as a whole. The pass that follows reads the whole directory and compares it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import hub
from measure import HEADS, Measured, child, in_turns, measure, row, table

from matricula.connectors.ldap import messages
from matricula.connectors.ldap.connector import LdapConnector
from matricula.connectors.ldap.settings import LdapSettings
from matricula.connectors.ldap.slapd import MISSING, SERVICE, SUFFIX, binary, directory_server
from matricula.connectors.ldap.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from matricula.connectors.kit.protocol import Outcome, Write

EMPTY_SECONDS = 3.0
CLASSES = ("inetOrgPerson", "eduPerson", "schacLinkageIdentifiers")
GRANTED = {
    "uid": "login", "employeeNumber": "student_no", "givenName": "given_name",
    "sn": "family_name", "cn": "given_name || ' ' || family_name",
    "displayName": "given_name || ' ' || family_name", "mail": "email",
    "departmentNumber": "programme",
    "eduPersonAffiliation": "'[\"member\", \"student\"]'",
    "eduPersonPrincipalName": "lower(login) || '@northfield.example'",
}  # fmt: skip
BATCH = 1000


class Timed(LdapConnector):
    """Notes when the first write began and when the last ended."""

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """Write, and keep the time."""
        began = time.perf_counter()
        outcomes = super().write(resource, writes, at=at)
        with Path(os.environ["BENCH_SPANS"]).open("a") as file:
            file.write(f"{began} {time.perf_counter()}\n")
        return outcomes


def settings() -> dict[str, object]:
    people = {
        "kind": "people",
        "base": f"ou=people,{SUFFIX}",
        "object_classes": list(CLASSES),
        "suspend": {"lock": True, "move_to": f"ou=suspended,{SUFFIX}"},
    }
    return {
        "url": os.environ["BENCH_URL"],
        "starttls": False,
        "bind_dn": SERVICE,
        "password": "env:BENCH_PASSWORD",
        "batch_size": BATCH,
        "page_size": 1000,
        "resources": {"people": people},
    }


def charter_text() -> str:
    import json

    fields = "".join(f"      {name}: {{owner: sis.students, type: text}}\n" for name in hub.FIELDS)
    told = "".join(
        f"      {name}: {{is: {json.dumps(is_)}, because: it is measured}}\n"
        for name, is_ in GRANTED.items()
    )
    return f"""institution: Bench
timezone: UTC
currency: GBP
stewards:
  it: {{name: Identity and Access, notify: it@example.org}}
systems:
  sis:
    connector: files
    steward: it
    settings:
      folder: .
      resources: {{students: {{file: students.parquet, key: [student_no]}}}}
  directory: {{connector: ldap_timed, steward: it, settings: {json.dumps(settings())}}}
entities:
  student:
    key: student_no
    roster: sis.students
    fields:
{fields}flows:
  directory-people:
    purpose: A bench measures it.
    basis: public task
    from: student
    to: directory.people
    match: {{employeeNumber: student_no}}
    fields:
{told}    cadence: {{on_change: true}}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {{queue: true}}
    guard: {{exits: {{share: 10%}}}}
    errors_to: it
"""


def make(folder: Path, people: int) -> str:
    from matricula.connectors import registry

    registry._OURS["ldap_timed"] = "ldap:Timed"  # noqa: SLF001 - as an entry point would
    hub.charter_text = charter_text
    hub.make(folder, people)
    return ""


def bare(folder: Path) -> str:
    """Add everybody, and do nothing else."""
    chosen = ", ".join(f'{is_} AS "{name}"' for name, is_ in GRANTED.items())
    found = duckdb.connect().execute(f"SELECT {chosen} FROM '{folder / 'students.parquet'}'")
    names = [column[0] for column in found.description or ()]
    rows = found.fetchall()
    wire = Wire(LdapSettings.model_validate(settings()))
    classes = [one.encode() for one in CLASSES]
    before = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        requests = []
        for values in rows[start : start + BATCH]:
            held = {n: [str(v).encode()] for n, v in zip(names, values, strict=True)}
            held |= {"objectClass": classes, "eduPersonAffiliation": [b"member", b"student"]}
            dn = f"uid={values[0]},ou=people,{SUFFIX}"
            requests.append(messages.add(dn, held, messages.post_read("entryUUID")))
        answers = wire.ask(requests)
        assert all(isinstance(one, messages.Answer) and not one.code for one in answers)
    return f"{len(rows) / (time.perf_counter() - before):,.0f} entries/s"


def work(name: str, folder: Path) -> Callable[[], str]:
    """Make ready what is not to be measured, and say what is."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    django.setup()
    from matricula.connectors import registry
    from matricula.connectors.files import connector as _  # noqa: F401 - for its side: it is loaded
    from matricula.hub import runs as _runs  # noqa: F401 - likewise

    registry._OURS["ldap_timed"] = "ldap:Timed"  # noqa: SLF001 - as an entry point would
    if name == "bare":
        return lambda: bare(folder)
    if name == "load":
        return lambda: loaded(folder)
    return lambda: hub.empty(folder, full=True)


def loaded(folder: Path) -> str:
    told = hub.load(folder)
    spans = [tuple(map(float, one.split())) for one in (folder / "spans").open()]
    return f"{told}|{spans[-1][1] - spans[0][0]}|{sum(end - begun for begun, end in spans)}"


def once(people: int) -> dict[str, Measured]:
    """Add bare to one server; load and compare another."""
    with tempfile.TemporaryDirectory(prefix="matricula-bench-") as place:
        folder = Path(place)
        (folder / "home").mkdir()
        os.environ |= {
            "MATRICULA_HOME": str(folder / "home"), "MATRICULA_DATABASE_URL": "",
            "BENCH_SPANS": str(folder / "spans"), "BENCH_URL": "ldap://127.0.0.1:9",
        }  # fmt: skip

        def job(name: str) -> Measured:
            return measure("ldap.py", "--work", name, place, str(people))

        found = {}
        with directory_server() as server:
            os.environ |= {"BENCH_URL": server.url, "BENCH_PASSWORD": server.password}
            job("make")
            found["bare"] = job("bare")
        with directory_server() as server:
            charter = folder / "charter" / "charter.yaml"
            text = charter.read_text().replace(os.environ["BENCH_URL"], server.url)
            charter.write_text(text)
            os.environ |= {"BENCH_URL": server.url, "BENCH_PASSWORD": server.password}
            job("sign")
            found |= {name: job(name) for name in ("load", "empty")}
        return found


def sign(folder: Path) -> str:
    from matricula.hub import charters

    charters.sign(hub.desk(folder, 0), steward="it")
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        name, place, people = chosen.work
        folder = Path(place)
        job = work("load" if name in ("make", "sign") else name, folder)
        child(
            {"make": lambda: make(folder, int(people)), "sign": lambda: sign(folder)}.get(
                name, job
            )
        )
        return
    if binary() is None:
        print(MISSING)
        return
    ran = [once(chosen.people) for _ in range(chosen.times)]
    turns = {name: iter([results[name] for results in ran]) for name in ran[0]}
    found = in_turns(
        chosen.times,
        {name: (lambda n=name: next(turns[n])) for name in turns},  # type: ignore[misc]  # a bound name
    )
    print(table(told(found, chosen.people), HEADS))


def told(found: dict[str, Measured], people: int) -> list[tuple[str, ...]]:
    """Lay the measurements out, with their ratios."""
    bare_, load = found["bare"], found["load"]
    rate = people / bare_.wall
    _, span, writing = load.told.split("|")
    what = f"LDAP: {people:,} people"

    def rated(seconds: float) -> Measured:
        told = f"{people / seconds:,.0f} entries/s"
        return Measured(seconds, load.cpu, load.peak_mb, told)

    def line(name: str, seconds: float, reach: str = "") -> tuple[str, ...]:
        ratio = people / seconds / rate
        return row(f"{what}, {name}", rated(seconds), ratio=ratio, reach=reach)

    empty = found["empty"]
    return [
        row(f"{what}, bare adds", bare_),
        line("in the connector", float(writing), "0.8"),
        line("from the first write to the last", float(span), "0.8"),
        line("the whole first pass", load.wall),
        row(f"{what}, nothing to do", empty, reach=f"{EMPTY_SECONDS:g} s"),
    ]


if __name__ == "__main__":
    main()
