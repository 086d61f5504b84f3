"""Bench a roster's way into Canvas: plan, upload, settle.

    python bench/canvas.py [--rows 140000]

A university of so many roster rows (a seventh are people, six enrolments each, a course for a
hundred people) goes into the small Canvas, which runs in a process of its own: users, courses,
sections and enrolments, by SIS import, every row settled by what Canvas says and holds. The
plan is of everything, and is timed apart. The yardstick for the delivery is a bare loop that
uploads the same rows in packages of the same size, and waits for each to be imported; it looks
nothing up, before or after.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import httpx2
from measure import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matricula.hub.desk import Desk

HEADS = ("what", "found", "ratio", "reach")
START = datetime(2026, 11, 23, 6, tzinfo=UTC)
BATCH = 10_000
PLAN_LIMIT = 15.0
TOKEN = "MATRICULA_BENCH_CANVAS_TOKEN"  # noqa: S105 - the name of a variable
SOURCES = {
    "students": """SELECT 'S' || lpad(i::VARCHAR, 7, '0') AS student_no, 'login' || i AS login,
        'Amara ' || (i % 997) || ' Ngô' AS display_name, 'active' AS status
        FROM range({people}) t(i)""",
    "modules": "SELECT 'C' || lpad(i::VARCHAR, 5, '0') AS module FROM range({courses}) t(i)",
    "sections": """SELECT 'C' || lpad((i // 2)::VARCHAR, 5, '0') || '-' || (i % 2) AS section_code,
        'C' || lpad((i // 2)::VARCHAR, 5, '0') AS module FROM range({sections}) t(i)""",
    # Six sections for everybody, 37 apart, so that no two are one.
    "enrolments": """SELECT 'S' || lpad((i % {people})::VARCHAR, 7, '0') AS student_no,
        'C' || lpad((p // 2)::VARCHAR, 5, '0') || '-' || (p % 2) AS section_code
        FROM (SELECT i, (i % {people} + 37 * (i // {people})) % {sections} AS p
        FROM range({enrolments}) t(i))""",
}
KEYS = {
    "students": ["student_no"], "modules": ["module"], "sections": ["section_code"],
    "enrolments": ["student_no", "section_code"],
}  # fmt: skip
ENTITIES = {
    "student": ("students", {"student_no": "", "login": "", "display_name": "", "status": ""}),
    "module": ("modules", {"module": ""}),
    "section": ("sections", {"section_code": "", "module": "module"}),
    "enrolment": ("enrolments", {"student_no": "student", "section_code": "section"}),
}
FLOWS = {
    "lms-accounts": ("student", "users", "user_id", {
        "user_id": "student_no", "login_id": "lower(login)", "full_name": "display_name",
    }),
    "lms-courses": ("module", "courses", "course_id", {
        "course_id": "module", "short_name": "module", "long_name": "'Course ' || module",
    }),
    "lms-sections": ("section", "sections", "section_id", {
        "section_id": "section_code", "name": "section_code",
        "course_id": "link('lms-courses', module)",
    }),
    "lms-enrolments": ("enrolment", "enrollments", "", {
        "section_id": "link('lms-sections', section_code)",
        "user_id": "link('lms-accounts', student_no)", "role": "'student'",
    }),
}  # fmt: skip


def sizes(rows: int) -> dict[str, int]:
    """Share the rows out."""
    people = rows // 7
    courses = max(50, people // 100)
    sections = 2 * courses
    return {
        "people": people, "courses": courses, "sections": sections,
        "enrolments": min(rows - people - courses - sections, 6 * people),
    }  # fmt: skip


def charter_text(url: str) -> str:
    """Write the charter, by which the roster goes into Canvas."""
    resources = ", ".join(
        f"{name}: {{file: {name}.parquet, key: {keys}}}".replace("'", "")
        for name, keys in KEYS.items()
    )
    entities = "".join(_entity(name, *told) for name, told in ENTITIES.items())
    flows = "".join(_flow(name, *told) for name, told in FLOWS.items())
    return f"""institution: Bench
timezone: UTC
stewards:
  it: {{name: Identity and Access, notify: it@example.org}}
systems:
  sis: {{connector: files, steward: it, settings: {{folder: ., resources: {{{resources}}}}}}}
  lms:
    connector: canvas
    steward: it
    settings: {{url: "{url}", token: "env:{TOKEN}", batch_size: {BATCH}}}
entities:
{entities}flows:
{flows}"""


def _entity(name: str, resource: str, fields: dict[str, str]) -> str:
    told = "".join(
        f"      {field}: {{owner: sis.{resource}, type: {f'ref({to})' if to else 'text'}}}\n"
        for field, to in fields.items()
    )
    key = f"[{', '.join(KEYS[resource])}]"
    return f"  {name}:\n    key: {key}\n    roster: sis.{resource}\n    fields:\n{told}"


def _flow(name: str, entity: str, resource: str, match: str, fields: dict[str, str]) -> str:
    told = "".join(
        f'      {f}: {{is: "{e}", because: it is measured}}\n' for f, e in fields.items()
    )
    found_by = {match: fields[match]} if match else fields
    by = ", ".join(f'{field}: "{expression}"' for field, expression in found_by.items())
    return f"""  {name}:
    purpose: A bench measures it.
    from: {entity}
    to: lms.{resource}
    match: {{{by}}}
    fields:
{told}    cadence: {{on_change: true}}
    on_exit: leave
    on_drift: restore
    if_unavailable: {{queue: true}}
    guard: {{exits: {{share: 10%}}}}
    errors_to: it
"""


def serve() -> None:
    """Run the small Canvas until the line at the other end goes."""
    from matricula.connectors.canvas.simulator import running_canvas

    with running_canvas() as canvas:
        print(canvas.url, canvas.token, flush=True)
        sys.stdin.read()


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where a small Canvas is, and what lets us in."""

    url: str
    token: str


@contextmanager
def elsewhere() -> Iterator[Canvas]:
    """Run the small Canvas in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield Canvas(*process.stdout.readline().split())
    finally:
        process.communicate("", timeout=30)


def desk(folder: Path, hours: int) -> Desk:
    from matricula.charter.compile import compile_charter
    from matricula.hub.desk import Desk

    at = START + timedelta(hours=hours)
    charter = compile_charter(folder / "charter", today=at.date())
    return Desk(charter, charter.text, folder, Path(os.environ["MATRICULA_HOME"]), "bench", at)


def ready(folder: Path, url: str, counts: dict[str, int]) -> None:
    """Write the sources and the charter, make the database, have the charter signed."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    django.setup()
    from django.core.management import call_command

    from matricula.hub import charters

    (folder / "charter").mkdir()
    (folder / "charter" / "charter.yaml").write_text(charter_text(url), encoding="utf-8")
    for name, query in SOURCES.items():
        place = folder / f"{name}.parquet"
        duckdb.connect().execute(f"COPY ({query.format(**counts)}) TO '{place}'")
    call_command("migrate", verbosity=0)
    charters.sign(desk(folder, 0), steward="it")


def bare(canvas: Canvas, folder: Path) -> tuple[int, float]:
    """Upload the same rows without looking; give how many, and the seconds."""
    columns = {
        "students": ("users.csv", "user_id,login_id,full_name,status",
                     "student_no, lower(login), display_name, 'active'"),
        "modules": ("courses.csv", "course_id,short_name,long_name,status",
                    "module, module, 'Course ' || module, 'active'"),
        "sections": ("sections.csv", "section_id,name,course_id,status",
                     "section_code, section_code, module, 'active'"),
        "enrolments": ("enrollments.csv", "section_id,user_id,role,status",
                       "section_code, student_no, 'student', 'active'"),
    }  # fmt: skip
    count, began = 0, time.perf_counter()
    headers = {"Authorization": f"Bearer {canvas.token}"}
    with httpx2.Client(base_url=canvas.url, headers=headers, timeout=300) as client:
        for source, (file, header, told) in columns.items():
            query = f"SELECT {told} FROM '{folder / f'{source}.parquet'}'"
            rows = duckdb.connect().execute(query).fetchall()
            for package in packages(file, header, rows):
                answer = client.post("/api/v1/accounts/self/sis_imports", content=package)
                wait(client, answer.json()["id"])
            count += len(rows)
    return count, time.perf_counter() - began


def packages(file: str, header: str, rows: Sequence[tuple[str, ...]]) -> Iterator[bytes]:
    for start in range(0, len(rows), BATCH):
        text, whole = io.StringIO(), io.BytesIO()
        writer = csv.writer(text)
        writer.writerows([header.split(","), *rows[start : start + BATCH]])
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(file, text.getvalue())
        yield whole.getvalue()


def wait(client: httpx2.Client, number: int) -> None:
    while True:
        told = client.get(f"/api/v1/accounts/self/sis_imports/{number}").json()
        if told["workflow_state"].startswith(("imported", "failed")):
            assert told["workflow_state"] == "imported", told
            return
        time.sleep(0.05)


def timed(folder: Path) -> tuple[int, float, float]:
    """Plan, and carry the plan out; give the rows, and the seconds of both."""
    from matricula.connectors.canvas import connector as _  # noqa: F401 - for its side: it is loaded
    from matricula.connectors.files import connector as _f  # noqa: F401 - likewise
    from matricula.hub import runs

    began = time.perf_counter()
    made = runs.plan(desk(folder, 1))
    planned = time.perf_counter() - began
    began = time.perf_counter()
    done = runs.apply(desk(folder, 1), made.plan.digest)
    took = time.perf_counter() - began
    answered = sum(part.counts["answered"] for part in done.delivered)
    assert done.is_whole, [(part.flow, dict(part.counts)) for part in done.delivered]
    return answered, planned, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=140_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
        return
    with tempfile.TemporaryDirectory(prefix="matricula-bench-") as place:
        folder = Path(place)
        os.environ |= {"MATRICULA_HOME": str(folder / "home"), "MATRICULA_DATABASE_URL": ""}
        (folder / "home").mkdir()
        with elsewhere() as canvas:
            os.environ[TOKEN] = canvas.token
            ready(folder, canvas.url, sizes(chosen.rows))
            rows, planned, took = timed(folder)
        with elsewhere() as other:
            count, alone = bare(other, folder)
    assert rows == count, (rows, count)
    print(table([
        (f"{rows:,} roster rows: plan", f"{planned:.1f} s", "", f"{PLAN_LIMIT:g} s"),
        (f"{rows:,} roster rows: uploaded and waited for, bare", f"{alone:.1f} s", "1", ""),
        (f"{rows:,} roster rows: looked up, uploaded, settled", f"{took:.1f} s",
         f"{alone / took:.2f}", ""),
    ], HEADS))  # fmt: skip


if __name__ == "__main__":
    main()
