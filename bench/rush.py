"""Bench a registration rush: many clients, few seats, every act through the one door.

    python bench/rush.py [--students 5000] [--clients 64] [--only sqlite]

Students who are registered for a term ask for three sections each, at once, of 200 in all;
every tenth section has a tenth of the seats that are asked for. Each request is an act as a page
would carry it out: checks, decision, seat, record, marks, promise, audit. Afterwards it is
counted: no section has more students than seats, and every request has its answer.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import table

from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.accounts.rules import Acting
    from matricula.hub.desk import Desk
    from matricula.sis.acts.actions import Doing

AT = datetime(2026, 9, 10, 9, tzinfo=UTC)
TODAY = date(2026, 9, 10)
SECTIONS, EACH = 200, 3
HEADS = ("what", "found", "ratio", "reach")


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--students", type=int, default=5000)
    asked.add_argument("--clients", type=int, default=64)
    asked.add_argument("--processes", type=int, default=4)
    asked.add_argument("--only", choices=["sqlite", "postgresql"])
    asked.add_argument("--share", type=int, default=None, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.share is not None:
        return client(given)
    rows = []
    for name in ["sqlite", "postgresql"] if not given.only else [given.only]:
        if name == "postgresql" and server_binaries() is None:
            print(MISSING)
            continue
        rows += rush(name, given)
    print(table(rows, HEADS))
    return 0


def rush(name: str, given: argparse.Namespace) -> list[tuple[str, ...]]:
    """Build the university, let the clients loose, and count."""
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="matricula-rush-"))
        url = ""
        if name == "postgresql":
            server = stack.enter_context(postgres_server())
            url = stack.enter_context(fresh_database(server))
        environment = {**os.environ, "MATRICULA_HOME": home, "MATRICULA_DATABASE_URL": url}
        told = json.loads(_run(environment, given, share=-1))
        # SQLite has one writer at a time, whatever the number of processes.
        processes = given.processes if name == "postgresql" else 1
        running = [_start(environment, given, n, processes) for n in range(processes)]
        answers = [json.loads(one.communicate()[0]) for one in running]
        seconds = time.monotonic() - min(a["began"] for a in answers)
        counted = json.loads(_run(environment, given, share=-2))
    taken = sorted(t for a in answers for t in a["seconds"])
    rate = counted["enrolled"] / seconds
    p99 = taken[int(len(taken) * 0.99)] * 1000
    assert counted["over"] == 0, counted
    assert counted["answered"] == told["asked"] == len(taken), (counted, told, len(taken))
    title = (
        f"rush on {'PostgreSQL' if name == 'postgresql' else 'SQLite'}, {given.clients} clients"
    )
    return [
        (f"{title}: enrolled a second", f"{rate:,.0f}", f"{rate / 150:.2f}", "1"),
        (f"{title}: p99", f"{p99:,.0f} ms", f"{p99 / 500:.2f}", "1"),
        (f"{title}: over-enrolled, without an answer", "0, 0", "", "0, 0"),
    ]


def _command(given: argparse.Namespace, share: int, processes: int) -> list[str]:
    return [
        sys.executable, __file__, "--students", str(given.students), "--clients",
        str(given.clients), "--processes", str(processes), "--share", str(share),
    ]  # fmt: skip


def _run(environment: dict[str, str], given: argparse.Namespace, *, share: int) -> str:
    done = subprocess.run(
        _command(given, share, 1), env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _start(
    environment: dict[str, str], given: argparse.Namespace, share: int, processes: int
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        _command(given, share, processes), env=environment, stdout=subprocess.PIPE, text=True
    )


def client(given: argparse.Namespace) -> int:
    """Be one process: build, ask, or count."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    from matricula.cli import sitting

    sitting.set_up()
    sitting.bring_up_to_date()
    if given.share == -1:
        print(json.dumps(build(given.students)))
    elif given.share == -2:
        print(json.dumps(count()))
    else:
        print(json.dumps(ask_all(given)))
    return 0


def desk() -> Desk:
    from matricula.charter.compile import compile_charter
    from matricula.cli.demo import command
    from matricula.hub.desk import Desk

    folder = Path(command.__file__).parent / "charter"
    charter = compile_charter(folder, today=TODAY)
    home = Path(os.environ["MATRICULA_HOME"])
    return Desk(charter, charter.text, folder, home, "bench", AT)


def acting() -> Acting:
    from matricula.accounts.rules import ALL, Acting, Granted

    return Acting("bench", "registrar", AT, TODAY, (Granted("registrar", ALL),))


def build(students: int) -> dict[str, int]:
    """Make a term with its sections, and students who are registered for it."""
    from functools import partial

    from matricula.hub.acting import carry_out
    from matricula.sis.curriculum import actions
    from matricula.sis.curriculum.rules import MeetingTime, TermDates
    from matricula.sis.enrolment import actions as enrolment

    at, who = desk(), acting()

    def do(action: Callable[..., object], *arguments: object) -> None:
        carry_out(at, who, lambda doing: action(doing, *arguments))

    do(actions.add_department, "SCI", "Science")
    do(actions.add_campus, "MAIN", "Main", "Europe/London")
    do(actions.add_term, TermDates(
        code="2026A", title="Autumn", register_from=date(2026, 8, 1), starts_on=date(2026, 9, 1),
        add_until=date(2026, 9, 18), drop_until=date(2026, 9, 25), census_on=date(2026, 9, 25),
        withdraw_until=date(2026, 11, 20), ends_on=date(2026, 12, 14),
        marks_due_on=date(2027, 1, 8), board_on=date(2027, 1, 15), bands=(),
    ))  # fmt: skip
    wanted = students * EACH // SECTIONS
    for n in range(SECTIONS):
        module, code = f"M{n:03d}", section(n)
        version = actions.NewVersion(
            title=module, credits=Decimal(5), level=4, starts_on=date(2020, 9, 1)
        )
        do(actions.add_module, module, "SCI", version)
        seats = max(wanted // 10, 1) if n % 10 == 0 else wanted * 2
        do(actions.plan_section, actions.NewSection(code, module, "2026A", "MAIN", seats))
        meets = MeetingTime(
            n % 5 + 1, clock(8 + n // 5 % 10), clock(8 + n // 5 % 10, 45), date(2026, 9, 1),
            date(2026, 12, 14), room="",
        )  # fmt: skip
        do(actions.schedule_meeting, code, meets)
        do(enrolment.move_section, code, "open")
    do(actions.add_programme, actions.NewProgramme("BSC", "Science", "SCI", "BSc", 6))
    told = {
        "programme": "BSC", "version": "1", "from_cohort": "2020", "to_cohort": "",
        "credits": "180", "requirements": {"all_of": [{"module": "M000"}]},
    }  # fmt: skip
    do(actions.add_curriculum, actions.read_curriculum(told))
    for start in range(0, students, 500):
        carry_out(at, who, partial(_admit, range(start, min(start + 500, students))))
    return {"asked": students * EACH}


def _admit(some: range, doing: Doing) -> None:
    from matricula.sis.enrolment import actions as enrolment
    from matricula.sis.people import actions as people
    from matricula.sis.registration import actions as registration

    for n in some:
        described = people.Described(f"G{n}", f"F{n}", date(2004, 1, 1), "")
        person = people.register(doing, described, on=date(2026, 8, 1))
        attempt = registration.Attempt("BSC", "2026", "full", date(2026, 8, 20))
        made = registration.matriculate(doing, person.pk, attempt)
        registration.record(doing, made, registration.Change("start", date(2026, 9, 1)))
    enrolment.register_intake(doing, "BSC", "2026", "2026A")


def section(n: int) -> str:
    return f"S{n:03d}"


def wishes(student: int) -> list[str]:
    """Three sections at different hours; steps without a common divisor."""
    return [section((student * 7 + place * 67) % SECTIONS) for place in range(EACH)]


def ask_all(given: argparse.Namespace) -> dict[str, object]:
    """Ask for this process's share of the students, with its share of the clients."""
    at, who = desk(), acting()
    mine = [
        (f"{n + 1:08d}", code)
        for n in range(given.share, given.students, given.processes)
        for code in wishes(n)
    ]
    threads = max(given.clients // given.processes, 1)
    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        seconds = list(pool.map(lambda wish: ask(at, who, *wish), mine))
    return {"began": began, "seconds": seconds}


def ask(at: Desk, who: Acting, number: str, code: str) -> float:
    from matricula.hub.acting import carry_out
    from matricula.kernel.errors import Refused
    from matricula.sis.enrolment import actions

    began = time.monotonic()
    with suppress(Refused):
        carry_out(at, who, lambda doing: actions.add(doing, number, code))
    return time.monotonic() - began


def count() -> dict[str, int]:
    """Count what came of it, from the tables themselves."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT s.code FROM enrolment_enrolment e "
            "JOIN curriculum_section s ON s.code = e.section WHERE e.status = 'enrolled' "
            "GROUP BY s.code, s.capacity HAVING count(*) > s.capacity) AS o"
        )
        (over,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM enrolment_enrolment WHERE status = 'enrolled'")
        (enrolled,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM holds_decision WHERE service = 'enrolment'")
        (answered,) = cursor.fetchone()
    return {"over": over, "enrolled": enrolled, "answered": answered}


if __name__ == "__main__":
    sys.exit(main())
