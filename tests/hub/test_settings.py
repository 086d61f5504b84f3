from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("old", "new", "message", "cure"),
    [
        ("connector: files", "connector: file", "There is no connector named file.",
         "Did you mean files?"),
        ("folder: drop", "fodler: drop", "library has no setting fodler.", "Did you mean folder?"),
        ("folder: drop", "fodler: drop", "library.folder is missing.", "Add `folder:`."),
        ("key: [cardnumber]", "key: cardnumber", "library.resources.patrons.key is text.",
         "Write a list, such as [student_no]."),
        ("key: [cardnumber]", "key: []", "library.resources.patrons.key is empty.", "Fill it in."),
        ("key: [cardnumber]", "key: [cardnumber], distinct: perhaps",
         "library.resources.patrons.distinct is text.", "Write true or false."),
        ("key: [cardnumber]", "key: [cardnumber], colums: [a]",
         "library.resources.patrons has no setting colums.", "Did you mean columns?"),
        ("key: [cardnumber]", "key: [cardnumber], format: xml",
         "library.resources.patrons.format is not one of its words.", "Use one of "),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_said_in_words_with_its_cure(world, old, new, message, cure):
    world.edit_charter(old, new, "charter.yaml")

    said = world.run("check")

    assert said.code == 1
    assert message in said.err
    assert cure in said.err


def test_a_wrong_setting_is_told_on_its_own_line(world):
    world.edit_charter("folder: drop", "fodler: drop", "charter.yaml")
    text = (world.folder / "charter" / "charter.yaml").read_text(encoding="utf-8")
    line = text[: text.index("fodler")].count("\n") + 1

    said = world.run("check")

    assert f"charter.yaml:{line}: M602: library has no setting fodler." in said.err


def test_a_plan_says_which_setting_is_wrong_and_holds_what_needs_it(world):
    world.edit_charter("key: [cardnumber]", "key: cardnumber", "charter.yaml")

    flows = world.plan()

    [reason] = [r for r in flows["warehouse-students"]["reasons"] if "M514" in r]
    assert "library.resources.patrons.key is text" in reason
    assert flows["lms-accounts"]["create"] == 40


def test_a_share_without_its_sign_is_told_how_to_write_it(world):
    world.edit_charter("exits: {share: 10%}, creations", "exits: {share: 5}, creations")

    said = world.run("check")

    assert "M112" in said.err
    assert "Write it with its sign: 5%." in said.err
