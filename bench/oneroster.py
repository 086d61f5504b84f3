"""Bench what OneRoster consumers fetch: a full pull by one client, and many with filters.

    python bench/oneroster.py [--enrolments 1000000] [--postgresql]

The enrolments flow in through the connector, as a run's would. Then one client pulls all of
them in pages of 1,000; the yardstick is a bare handler that streams the same columns of the
same rows from the same database, under the same small server, and asks nobody who they are.
Then 32 clients ask for pages of a class, of a person and of what changed lately.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import table

from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 1_000
CLIENTS, PROCESSES, EACH = 32, 4, 40
LISTING = "/ims/oneroster/rostering/v1p2/enrollments"
PER_CLASS, PER_PERSON = 50, 10


def made(count: int) -> dict[str, list[dict[str, object]]]:
    """Rows of every table that enrolments refer to, and the enrolments."""
    classes = max(1, count // PER_CLASS)
    people = max(1, count // PER_PERSON)
    return {
        "orgs": [{"sourcedId": "o", "name": "O", "type": "school", "identifier": "o"}],
        "academicSessions": [
            {"sourcedId": "t", "title": "T", "type": "term", "startDate": "2026-09-01",
             "endDate": "2027-01-15", "schoolYear": "2027"}],
        "courses": [{"sourcedId": "k", "title": "K", "courseCode": "K"}],
        "classes": [
            {"sourcedId": f"c{n}", "title": f"C {n}", "courseSourcedId": "k",
             "schoolSourcedId": "o", "termSourcedIds": "t"} for n in range(classes)],
        "users": [
            {"sourcedId": f"u{n}", "givenName": "Amara", "familyName": f"Ng {n}",
             "enabledUser": True} for n in range(people)],
        "enrollments": [
            {"sourcedId": f"e{n}", "classSourcedId": f"c{n % classes}",
             "userSourcedId": f"u{n // PER_PERSON % people}", "schoolSourcedId": "o",
             "role": "student", "beginDate": "2026-09-01"} for n in range(count)],
    }  # fmt: skip


def fill(count: int) -> str:
    """Let everything flow in, and a client in; print the token and how long it took."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    from matricula.api import actions
    from matricula.connectors.kit.protocol import Context, Write
    from matricula.connectors.oneroster_provider.connector import OneRosterProviderConnector

    connector = OneRosterProviderConnector(
        OneRosterProviderConnector.Settings(), Context("vle", Path())
    )
    started, took = time.perf_counter(), 0.0
    for name, rows in made(count).items():
        started = time.perf_counter()
        for start in range(0, len(rows), 5_000):
            some = rows[start : start + 5_000]
            writes = [
                Write(str(r["sourcedId"]), "create", None, r, frozenset(r),
                      {"sourcedId": r["sourcedId"]}) for r in some
            ]  # fmt: skip
            outcomes = connector.write(name, writes, at=timezone.now())
            assert not any(one.error for one in outcomes)
        took = time.perf_counter() - started
    doing = actions.Doing("bench", "a bench", timezone.now())
    secret = actions.let_in(doing, "vle", system="vle", scopes=["roster"])
    token = actions.issue("vle", secret, scopes=[], at=timezone.now()).token
    return json.dumps({"token": token, "took": took})


def bare(environ, start):  # noqa: ANN001, ANN201 - WSGI's own words
    """Stream the rows of a page as flat objects."""
    from django.db import connection

    asked = parse_qs(environ["QUERY_STRING"])
    offset, limit = int(asked["offset"][0]), int(asked["limit"][0])
    names = ("sourcedId", "status", "dateLastModified", "userSourcedId", "classSourcedId",
             "schoolSourcedId", "role", "primary", "beginDate", "endDate")  # fmt: skip
    columns = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM oneroster_enrollments WHERE shelf_id = "
            "(SELECT id FROM oneroster_provider_shelf WHERE system = 'vle' AND "
            "\"table\" = 'enrollments') AND place >= %s AND place < %s ORDER BY place",
            [offset, offset + limit],
        )
        body = json.dumps([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])
    start("200 OK", [("Content-Type", "application/json")])
    return [body.encode()]


def serve(kind: str) -> None:
    """Answer until killed; print the port."""
    import django

    django.setup()
    from matricula.cli.serving import Server
    from matricula.site.wsgi import application

    with Server(("127.0.0.1", 0), bare if kind == "bare" else application) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


@contextmanager
def served(kind: str) -> Iterator[int]:
    """Run a server in a process of its own; its port."""
    command = [sys.executable, __file__, "--serve", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def get(port: int, query: str, token: str) -> bytes:
    """Ask once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            "GET", f"{LISTING}?{query}", headers={"Authorization": f"Bearer {token}"}
        )
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body
    finally:
        connection.close()


def pull(port: int, count: int, token: str) -> tuple[float, float]:
    """Pull everything; seconds for the whole, and for the slowest page of the last tenth."""
    started, late = time.perf_counter(), 0.0
    for offset in range(0, count, PAGE):
        began = time.perf_counter()
        get(port, f"limit={PAGE}&offset={offset}", token)
        if offset >= count * 9 // 10:
            late = max(late, time.perf_counter() - began)
    return time.perf_counter() - started, late


def ask(port: int, count: int, token: str, seed: int) -> list[float]:
    """Be some clients at once; how long each answer took."""
    newest = json.loads(get(port, f"limit=1&offset={max(0, count - 5_001)}", token))
    lately = newest["enrollments"][0]["dateLastModified"]

    def client(number: int) -> list[float]:
        chance = random.Random(number)  # noqa: S311 - no secret
        took = []
        for _ in range(EACH):
            asked = (
                f"class.sourcedId='c{chance.randrange(max(1, count // PER_CLASS))}'",
                f"user.sourcedId='u{chance.randrange(max(1, count // PER_PERSON))}'",
                f"dateLastModified>'{lately}' AND role='student'",
            )
            offset = chance.randrange(0, 1000, 100)
            chosen = chance.choice(asked)
            query = urlencode({"filter": chosen, "offset": offset if "role" in chosen else 0})
            began = time.perf_counter()
            get(port, query, token)
            took.append(time.perf_counter() - began)
        return took

    with ThreadPoolExecutor(CLIENTS // PROCESSES) as pool:
        found = pool.map(client, range(seed, seed + CLIENTS // PROCESSES))
    return [one for took in found for one in took]


def crowd(port: int, count: int, token: str) -> list[float]:
    """Be 32 clients in a few processes; how long every answer took, in order."""
    commands = [
        [sys.executable, __file__, "--ask", str(port), "--enrolments", str(count), "--token",
         token, "--seed", str(n * 100)] for n in range(PROCESSES)
    ]  # fmt: skip
    running = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in commands]
    return sorted(x for one in running for x in json.loads(one.communicate()[0]))


def main(count: int) -> None:
    """Fill, pull, ask; print."""
    said = subprocess.run([sys.executable, __file__, "--fill", "--enrolments", str(count)],
                          capture_output=True, text=True, check=True)  # fmt: skip
    told = json.loads(said.stdout.splitlines()[-1])
    token = told["token"]
    with served("bare") as port:
        pull(port, min(count, 20_000), token)
        bare_took, _ = pull(port, count, token)
    with served("ours") as port:
        pull(port, min(count, 20_000), token)
        took, late = pull(port, count, token)
        answers = crowd(port, count, token)
    p99 = answers[len(answers) * 99 // 100]
    second = CLIENTS * len(answers) / max(1e-9, sum(answers))
    rows = [
        (f"{count:,} enrolments flow in", f"{count / told['took']:,.0f}/s", ""),
        ("a bare handler, pages of 1,000", f"{count / bare_took:,.0f}/s", ""),
        ("ours, pages of 1,000", f"{count / took:,.0f}/s", ""),
        ("ours / bare", f"{bare_took / took:.2f}", "0.50 or more"),
        ("the slowest of the last pages", f"{late * 1000:.0f} ms", ""),
        ("32 clients with filters, median", f"{answers[len(answers) // 2] * 1000:.0f} ms", ""),
        ("32 clients with filters, p99", f"{p99 * 1000:.0f} ms", "250 ms or less"),
        ("answers a second to 32 clients", f"{second:,.0f}", ""),
    ]
    print(table(rows, ("what", "measured", "reach")))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matricula.site.settings")
    options = argparse.ArgumentParser()
    options.add_argument("--enrolments", type=int, default=1_000_000)
    options.add_argument("--postgresql", action="store_true")
    options.add_argument("--fill", action="store_true")
    options.add_argument("--serve", default="")
    options.add_argument("--ask", type=int, default=0)
    options.add_argument("--token", default="")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    if given.fill:
        print(fill(given.enrolments))
    elif given.serve:
        serve(given.serve)
    elif given.ask:
        print(json.dumps(ask(given.ask, given.enrolments, given.token, given.seed)))
    else:
        with ExitStack() as stack:
            os.environ["MATRICULA_HOME"] = stack.enter_context(tempfile.TemporaryDirectory())
            os.environ["MATRICULA_DATABASE_URL"] = ""
            if given.postgresql:
                if server_binaries() is None:
                    sys.exit(MISSING)
                server = stack.enter_context(postgres_server())
                os.environ["MATRICULA_DATABASE_URL"] = stack.enter_context(fresh_database(server))
            main(given.enrolments)
