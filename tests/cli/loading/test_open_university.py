"""The Open University's data comes in whole: what is odd in it is named, nothing is guessed."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from matricula.cli.loading import open_university
from matricula.sis.enrolment import queries as enrolment
from matricula.sis.enrolment.models import Enrolment
from matricula.sis.loading.actions import Bundle, load
from matricula.sis.people.models import Identifier
from matricula.sis.registration.models import Student
from tests.sis.conftest import TODAY, doing

FILES = ("courses.csv", "studentInfo.csv", "studentRegistration.csv")


@pytest.fixture(scope="module")
def whole(shared):
    return open_university.read(shared / "data" / "oulad")


@pytest.fixture
def one_module(shared, tmp_path):
    """The files with the rows of one module alone."""
    for name in FILES:
        with (shared / "data" / "oulad" / name).open(newline="") as file:
            header, *rows = list(csv.reader(file))
        with (tmp_path / name).open("w", newline="") as file:
            kept = [row for row in rows if row[0] == "AAA"]
            csv.writer(file, lineterminator="\n").writerows([header, *kept])
    return tmp_path


def _registered(folder):
    with (folder / "studentRegistration.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_student_presentation_and_registration_is_handed_over(whole):
    rows = Counter()
    for name, table in whole.pieces:
        rows[name] += table.num_rows

    assert (rows["students"], rows["sections"], rows["enrolments"]) == (28_785, 22, 32_593)
    assert rows["term_registrations"] < rows["enrolments"]


def test_results_that_contradict_the_days_are_named_with_their_lines(whole):
    told = Counter(one.message for one in whole.findings)

    # The dataset's own known truths.
    assert sorted(told.values()) == [9, 93]
    assert all(one.place.startswith("studentInfo.csv:") for one in whole.findings)


@pytest.mark.django_db
def test_one_module_of_it_comes_in_with_withdrawals_and_results_and_only_once(one_module):
    registered = _registered(one_module)
    left = [one for one in registered if one["date_unregistration"]]
    started = [one for one in left if int(one["date_unregistration"]) > 0]

    def load_it():
        given = open_university.read(one_module)
        with doing() as act:
            return load(act, Bundle(given.source, given.pieces))

    found, again = load_it(), load_it()

    assert list(found.findings())[1:] == []
    assert found.left_out == again.left_out == 0
    assert Student.objects.count() == len({one["id_student"] for one in registered})
    states = Counter(Enrolment.objects.values_list("status", flat=True))
    assert states["withdrawn"] == len(started)
    assert states["dropped"] == len(left) - len(started)
    assert sum(one.taken for one in again.counts) == 0
    number = Identifier.objects.get(system="ou", kind="student", value="11391").person_id
    student = Student.objects.get(person=number).number
    (one,) = enrolment.enrolments_of(student, on=TODAY)
    assert (one.section, one.status, one.grade) == ("AAA-2013J", "graded", "Pass")
