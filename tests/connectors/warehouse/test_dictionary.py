from __future__ import annotations

import sqlglot

from matricula.charter.model import (
    Cadence,
    Charter,
    Entity,
    Expression,
    Field,
    Flow,
    FlowField,
    Guard,
    Limit,
    Read,
    ResourceRef,
    Steward,
    System,
    Unavailable,
    ValueType,
)
from matricula.connectors.warehouse.dictionary import dictionary

SIS = ResourceRef("sis", "students")
TEXT = ValueType("text")


def expression(text: str, *reads: str) -> Expression:
    tree = sqlglot.parse_one(text, dialect="duckdb")
    return Expression(text, tree, TEXT, tuple(Read(name) for name in reads))


def charter() -> Charter:
    fields = {
        "student_no": Field("student_no", TEXT, SIS, "student_no"),
        "name": Field("name", TEXT, SIS, "name", "personal"),
    }
    no_limit = Limit()
    flow = Flow(
        name="reporting-students",
        purpose="Planning counts students.",
        entity="student",
        target=ResourceRef("reporting", "students"),
        fields={
            "number": FlowField(
                "number", expression("student_no", "student_no"), "no one is counted twice"
            ),
            "initial": FlowField(
                "initial", expression("name || '|'", "name"), "lists are | sorted"
            ),
        },
        cadence=Cadence(),
        on_exit="suspend",
        on_drift="restore",
        if_unavailable=Unavailable(),
        guard=Guard(no_limit, no_limit, no_limit),
        errors_to="planning",
        basis="public task",
    )
    return Charter(
        institution="Northfield University",
        timezone="Europe/London",
        currency="GBP",
        stewards={
            "registrar": Steward("registrar", "Registrar's Office", "r@northfield.example"),
            "planning": Steward("planning", "Planning Office", "p@northfield.example"),
        },
        systems={
            "sis": System("sis", "sql", "registrar"),
            "reporting": System("reporting", "warehouse", "planning"),
            "lms": System("lms", "scim", "planning"),
        },
        entities={"student": Entity("student", ("student_no",), SIS, {}, fields)},
        flows={"reporting-students": flow},
        digest="d" * 64,
    )


def test_every_column_says_what_it_means_whose_it_is_and_why_it_is_there():
    text = dictionary(charter(), "reporting")

    number = (
        "| number | text | no one is counted twice | student_no | sis.students | public "
        "| Registrar's Office | reporting-students |"
    )
    assert number in text.splitlines()
    assert "Planning counts students." in text
    assert "students_history" in text
    assert "d" * 64 in text


def test_a_column_is_as_confidential_as_the_most_confidential_field_it_is_made_of():
    text = dictionary(charter(), "reporting")

    (line,) = [one for one in text.splitlines() if one.startswith("| initial ")]
    assert "| personal |" in line


def test_a_bar_in_a_text_does_not_break_the_table():
    text = dictionary(charter(), "reporting")

    (line,) = [one for one in text.splitlines() if one.startswith("| initial ")]
    assert "lists are \\| sorted" in line
    assert line.replace("\\|", "").count("|") == 9


def test_flows_to_other_systems_are_left_out():
    text = dictionary(charter(), "lms")

    assert "reporting-students" not in text
    assert "Planning Office answers" in text
