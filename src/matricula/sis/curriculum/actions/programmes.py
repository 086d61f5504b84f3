"""Add programmes and what their cohorts must do, and close a programme to new students."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.curriculum import access, queries, rules
from matricula.sis.curriculum.actions.told import existing, must_be_new, must_count, must_say
from matricula.sis.curriculum.models import CurriculumVersion, Department, Programme

if TYPE_CHECKING:
    from datetime import date

    from matricula.sis.acts.actions import Doing

_ASKED = ("programme", "version", "from_cohort", "credits", "requirements")


@dataclass(frozen=True, slots=True)
class NewProgramme:
    """A programme to be added.

    Attributes:
        code: Its code.
        title: What people call it.
        department: Who answers for it.
        award: What it leads to: `BSc`.
        terms: How many it usually takes.
    """

    code: str
    title: str
    department: str
    award: str
    terms: int


@dataclass(frozen=True, slots=True)
class NewCurriculum:
    """What some cohorts of a programme must do.

    Attributes:
        programme: Its code.
        version: What the version is called.
        from_cohort: The first cohort it is for: `2026`.
        credits: How many it takes in all.
        requirements: The tree, as `rules.parse_requirements` reads it.
        to_cohort: The last cohort; empty: until the next version.
    """

    programme: str
    version: str
    from_cohort: str
    credits: Decimal
    requirements: object
    to_cohort: str = ""


def read_curriculum(document: object) -> NewCurriculum:
    """Read what some cohorts must do, as it is written in a file.

    Args:
        document: An object with `programme`, `version`, `from_cohort`, `credits`,
            `requirements` and, where the version has a last cohort, `to_cohort`.

    Raises:
        Refused: Something is missing, or is no such thing (M929).
    """
    if not isinstance(document, dict):
        raise Refused("M929", "A curriculum is an object.", cure=f"Write {', '.join(_ASKED)}.")
    for name in document:
        if name not in {*_ASKED, "to_cohort"}:
            raise Refused("M929", f"A curriculum has no {name}.", cure=meant(str(name), _ASKED))
    for name in _ASKED:
        if name not in document:
            raise Refused("M929", f"The curriculum says no {name}.", cure=f"Add {name}.")
    texts = {
        name: str(document.get(name, ""))
        for name in ("programme", "version", "from_cohort", "to_cohort")
    }
    try:
        worth = Decimal(str(document["credits"]))
    except InvalidOperation as error:
        raise Refused(
            "M929", f"credits is {document['credits']!r}.", cure="Write a number such as 180."
        ) from error
    return NewCurriculum(**texts, credits=worth, requirements=document["requirements"])


def add_programme(doing: Doing, new: NewProgramme) -> Programme:
    """Add a programme.

    Raises:
        Refused: Not permitted (M903), there already (M922), no such department (M921), or
            something was not said (M929).
    """
    access.may(doing.acting, "add a programme", department=new.department)
    department = existing(Department, new.department)
    must_be_new(Programme, new.code)
    must_say(title=new.title, award=new.award)
    must_count(1, terms=new.terms)
    made = Programme.objects.create(
        code=new.code, title=new.title, department=department, award=new.award,
        terms=new.terms, act=doing.act,
    )  # fmt: skip
    doing.name("add a programme", "programme", new.code)
    doing.touch("programme", [new.code])
    doing.record(
        "programme", new.code, "add",
        after={"title": new.title, "department": new.department, "award": new.award,
               "terms": new.terms},
    )  # fmt: skip
    return made


def close_programme(doing: Doing, code: str, on: date) -> Programme:
    """Take nobody into a programme from a day on; whoever is in it stays.

    Raises:
        Refused: Not permitted (M903), no such programme (M921), or closed already (M922).
    """
    found = access.programme(doing.acting, code, to="close a programme")
    if found.closed_on is not None:
        raise Refused(
            "M922", f"{code} is closed from {found.closed_on} on.", cure="Nothing is to be done."
        )
    found.closed_on = on
    found.save(update_fields=["closed_on"])
    doing.name("close a programme", "programme", code)
    doing.touch("programme", [code])
    doing.record("programme", code, "close", after={"closed_on": on.isoformat()})
    return found


def add_curriculum(doing: Doing, new: NewCurriculum) -> CurriculumVersion:
    """Write down what the cohorts of a programme must do; it is never changed afterwards.

    A version without a last cohort is followed until the next one begins.

    Raises:
        Refused: Not permitted (M903), no such programme (M921), the version or its cohorts
            are taken (M922), or the tree cannot be read or names a module that does not
            exist (M923).
    """
    programme = access.programme(doing.acting, new.programme, to="add a curriculum version")
    must_say(version=new.version, cohort=new.from_cohort)
    must_count(0, credits=new.credits)
    _must_know_modules(rules.parse_requirements(new.requirements))
    # Locked, so that two who add at once do not both find the cohorts free.
    held = CurriculumVersion.objects.filter(
        programme=Programme.objects.select_for_update().get(pk=programme.pk)
    )
    _must_have_room(new, list(held))
    made = CurriculumVersion.objects.create(
        programme=programme, version=new.version, from_cohort=new.from_cohort,
        to_cohort=new.to_cohort, credits=new.credits, requirements=new.requirements,
        act=doing.act,
    )  # fmt: skip
    doing.name("add a curriculum version", "programme", new.programme)
    doing.record(
        "programme", new.programme, "add curriculum",
        after={"version": new.version, "from_cohort": new.from_cohort,
               "to_cohort": new.to_cohort, "credits": str(new.credits),
               "requirements": new.requirements},
    )  # fmt: skip
    return made


def _must_know_modules(tree: rules.Requirement) -> None:
    unknown = queries.unknown_modules(rules.modules_named(tree))
    if unknown:
        raise Refused(
            "M923", f"There is no module {', '.join(unknown)}.",
            cure="Add it with `matricula register module add`, or correct its code.",
            place="requirements",
        )  # fmt: skip


def _must_have_room(new: NewCurriculum, held: list[CurriculumVersion]) -> None:
    if new.version in {one.version for one in held}:
        raise Refused(
            "M922", f"{new.programme} has a curriculum {new.version} already.",
            cure="Give the new one another name; what a cohort must do is never changed.",
        )  # fmt: skip
    if new.to_cohort and new.to_cohort < new.from_cohort:
        raise Refused(
            "M929", f"The last cohort {new.to_cohort} is before the first, {new.from_cohort}.",
            cure="Correct one of the two.",
        )  # fmt: skip
    stretches = {(one.from_cohort, one.to_cohort or None): one.version for one in held}
    taken = rules.in_its_way((new.from_cohort, new.to_cohort or None), stretches)
    if taken is not None:
        raise Refused(
            "M922",
            f"The curriculum {stretches[taken]} of {new.programme} is for the cohorts from "
            f"{taken[0]} to {taken[1] or 'the next version'}.",
            cure="Choose cohorts that no other version claims.",
        )
