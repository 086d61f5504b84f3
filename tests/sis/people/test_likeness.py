"""Who is alike: what speaks for it is said, and too little is not enough."""

from __future__ import annotations

from datetime import date

import pytest

from matricula.sis.people.rules import (
    Described,
    Number,
    Profile,
    Side,
    compare,
    merge_checks,
    plain,
    plain_contact,
)

BORN = date(2004, 5, 1)
AMARA = Profile(
    1, frozenset({BORN}), frozenset({("amara", "okafor")}),
    frozenset({"amara@example.org"}), frozenset({"700900123"}),
    frozenset({Number("sis", "student", "00000001")}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("O'Brien-Łoś", "obrien los"),
        ("  Åse  MÜLLER ", "ase muller"),
        ("Bartók, B.", "bartok b"),
        ("Yılmaz", "yilmaz"),
        ("王小明", "王小明"),
    ],
)
def test_names_are_looked_for_small_and_without_accents(written, found):
    assert plain(written) == found


def test_a_phone_is_the_same_with_the_country_before_it():
    assert plain_contact("phone", "+44 7700 900123") == plain_contact("phone", "07700 900-123")


@pytest.mark.parametrize(
    ("described", "strength", "evidence"),
    [
        (Described("X", "Y", None, numbers=(Number("sis", "student", "00000001"),)),
         "strong", ("same number",)),
        (Described("Ama", "Eze", BORN, "Amara@Example.org"),
         "strong", ("same e-mail", "same birth date")),
        (Described("Amara", "Okafor", BORN), "weak", ("same birth date", "same name")),
        (Described("Okafor", "Amara", BORN), "weak",
         ("same birth date", "given and family name swapped")),
        (Described("Amara", "Okafer", BORN), "weak", ("same birth date", "similar name")),
        (Described("Amara Ngozi", "Okafor", BORN), "weak", ("same birth date", "similar name")),
        (Described("A.", "Okafor", BORN), "weak", ("same birth date", "similar name")),
        (Described("", "Okafor", BORN), "weak", ("same birth date", "similar name")),
        (Described("Amara", "Smith", BORN), "weak",
         ("same birth date", "same given name, another family name")),
        (Described("Amara", "Smith", None, "amara@example.org"), "weak",
         ("same e-mail", "same given name, another family name")),
        (Described("Amara", "Smith", None, phone="0 700900123"), "weak",
         ("same phone", "same given name, another family name")),
        (Described("Amara", "Okafor", date(2004, 1, 5)), "weak",
         ("birth date mistyped", "same name")),
        (Described("Amara", "Okafor", date(2004, 5, 2)), "weak",
         ("birth date mistyped", "same name")),
        (Described("Amara", "Okafor", None), "weak", ("same name",)),
    ],
)  # fmt: skip
def test_somebody_alike_is_a_candidate_with_what_speaks_for_it(described, strength, evidence):
    found = compare(described, AMARA)

    assert (found.strength, found.evidence) == (strength, evidence)


@pytest.mark.parametrize(
    "described",
    [
        Described("Amara", "Okafor", date(1988, 11, 30)),
        Described("Bela", "Bartók", BORN),
        Described("Bela", "Okafor", BORN),
        Described("Bela", "Bartók", None, phone="0700900123"),
        Described("Amara", "Okafer", date(2004, 5, 2)),
        Described("", "", None),
    ],
)
def test_too_little_makes_nobody_a_candidate(described):
    assert compare(described, AMARA) is None


KEPT, GONE = Side(1, 1, ("00000001",)), Side(2, 2, ("00000002",))


@pytest.mark.parametrize(
    ("kept", "gone", "evidence", "number", "what"),
    [
        (KEPT, KEPT, "passport", "", "one person already"),
        (Side(1, 3), GONE, "passport", "", "was merged into person 3"),
        (KEPT, Side(2, 5), "passport", "", "was merged into person 5"),
        (KEPT, GONE, " ", "00000001", "Nothing says why"),
        (KEPT, GONE, "passport", "", "Both are students: 00000001 and 00000002"),
        (KEPT, GONE, "passport", "00000002", "who would be merged away"),
        (KEPT, GONE, "passport", "00000009", "00000009 is of neither"),
    ],
)
def test_whatever_is_in_the_way_of_a_merge_explains_itself(kept, gone, evidence, number, what):
    (found,) = merge_checks(kept, gone, evidence=evidence, number=number)

    assert what in found.what
    assert found.office == "the Registrar's Office"
    assert found.clears
    assert found.appeal


def test_two_persons_of_whom_one_is_a_student_are_merged_without_naming_a_number():
    assert merge_checks(Side(1, 1), GONE, evidence="passport", number="") == []
    assert merge_checks(KEPT, GONE, evidence="passport", number="00000001") == []
