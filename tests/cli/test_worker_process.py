"""A real worker process: what it logs, what it serves, and that neither holds a person's data."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.world import PEOPLE, STEWARDS, build

MAIN = "import sys; from matricula.cli.main import main; main()"
LOADED = f"""
from matricula.cli.main import run
for office in {STEWARDS!r}:
    run(["sign", "--as", office])
run(["sync"])
"""
PERSONAL = re.compile("|".join([*PEOPLE, r"s\d{5}@", "Zebedee", r"\b000\d\d\b"]))


@pytest.fixture
def campus(tmp_path, capsys, ready_database):
    world, environment = build(tmp_path, capsys), {**os.environ, **ready_database}
    subprocess.run(
        [sys.executable, "-c", LOADED], cwd=world.folder, env=environment, check=True,
        timeout=120, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return world, environment


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def working(campus, *words):
    """Run a worker while inside; what it said is in the list that this gives, at the end."""
    world, environment = campus
    said: list[str] = []
    with log_of(world).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "worker", "--look-every", "1", *words], cwd=world.folder,
            env=environment, text=True, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        yield said
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        said += [out, log_of(world).read_text(encoding="utf-8")]


def log_of(world):
    return world.folder / "worker.log"


def until(holds, seconds=60):
    for _ in range(seconds * 10):
        try:
            if holds():
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("it never came true")


def rename(world, number, name):
    world.sis("UPDATE students SET name = ? WHERE student_no = ?", name, number)


def has(world, number, name):
    return (number, name) in world.in_lms("SELECT idnumber, fullname FROM users")


def numbers(text):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@contextmanager
def served(campus, *words):
    """Run a worker that serves; gives how to ask it, and what it said."""
    address = f"127.0.0.1:{free_port()}"
    with working(campus, "--metrics", address, *words) as said:
        get = httpx2.Client(base_url=f"http://{address}", trust_env=False).get
        until(lambda: get("/health/ready").status_code == 200)
        yield get, said


def test_a_worker_tells_programs_how_things_stand_and_nobody_whose_they_are(campus):
    world, _ = campus

    with served(campus, "--log-json") as (get, said):
        rename(world, "00001", "Zebedee" * 12)
        rename(world, "00002", "Zebedee Short")
        until(lambda: has(world, "00002", "Zebedee Short"))
        until(lambda: numbers(get("/metrics").text)[("matricula_incidents_open", "it")] == 1)
        until(lambda: ("matricula_runs_total", "changed") in numbers(get("/metrics").text))
        told = get("/metrics").text

    found = numbers(told)
    assert found[("matricula_links", "lms-accounts", "confirmed")] == 40
    assert found[("matricula_links", "lms-accounts", "failed")] == 1
    assert found[("matricula_effects", "lms-accounts", "answered")] == 41
    assert found[("matricula_effects", "lms-accounts", "refused")] == 1
    assert found[("matricula_incidents_overdue", "library")] == 0
    assert found[("matricula_system_well", "lms")] == 1
    assert found[("matricula_run_seconds_total", "changed")] > 0
    assert 0 < found[("matricula_full_pass_age_seconds", "lms-accounts")] < 600
    assert ("matricula_changes_waiting", "lms-accounts") in found
    log = [json.loads(line) for line in said[1].splitlines()]
    delivered = [line for line in log if line["event"] == "delivered"]
    assert {"answered": 1, "refused": 1} in [line["counts"] for line in delivered]
    assert {line["system"] for line in delivered} <= {"lms", "warehouse"}
    assert any(line["event"] == "run" and line["seconds"] > 0 for line in log)
    assert PERSONAL.findall(said[0] + said[1] + told) == []


@pytest.mark.any_database
def test_a_worker_whose_charter_does_not_compile_is_alive_and_not_ready(campus):
    world, _ = campus

    with served(campus, "--log-json") as (get, said):
        world.edit_charter("errors_to: planning", "errors_to: nobody")
        live, ready, missing = get("/health/live"), get("/health/ready"), get("/etc/passwd")
        metrics = get("/metrics")
        # The round in hand ends first, which on a busy machine takes a while.
        until(lambda: '"M204"' in log_of(world).read_text(encoding="utf-8"))

    assert (live.status_code, missing.status_code, metrics.status_code) == (200, 404, 200)
    assert ready.status_code == 503
    assert ready.json() == {"database": True, "migrations": True, "charter": False}
    log = [json.loads(line) for line in said[1].splitlines()]
    assert any(line["event"] == "failed" and line["code"] == "M204" for line in log)


@pytest.mark.any_database
def test_a_worker_tells_people_in_sentences_without_anybodys_data(campus):
    world, _ = campus

    with working(campus) as said:
        rename(world, "00001", "Zebedee" * 12)
        rename(world, "00002", "Zebedee Short")
        until(lambda: has(world, "00002", "Zebedee Short"))

    assert "lms-accounts 1 answered 1 refused" in said[0]
    assert said[0].endswith("stopped\n")
    assert PERSONAL.findall(said[0] + said[1]) == []


@pytest.mark.any_database
@pytest.mark.parametrize("where", ["0.0.0.0:0", "192.0.2.1:9464", "nowhere", "127.0.0.1:x"])
def test_metrics_are_for_this_machine_unless_somebody_says_otherwise(world, where):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    said = world.run("worker", "--rounds", "0", "--metrics", where)

    for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
        signal.signal(number, handler)
    assert said.code == 1
    assert "M822" in said.err
