"""Add modules and the versions in which they are taught."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.curriculum import access, queries, rules
from matricula.sis.curriculum.actions.told import existing, must_be_new, must_count, must_say
from matricula.sis.curriculum.models import Department, Module, ModuleVersion, Section

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from matricula.sis.acts.actions import Doing


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A module as it is taught from a day on.

    Attributes:
        title: What it is called.
        credits: What it is worth.
        level: Its level.
        starts_on: The first day.
        ends_on: The last day; None: until the next version.
        requisites: What a student must have or be, as `rules.parse_requisites` reads it.
    """

    title: str
    credits: Decimal
    level: int
    starts_on: date
    ends_on: date | None = None
    requisites: str = ""


def add_module(doing: Doing, code: str, department: str, first: NewVersion) -> ModuleVersion:
    """Add a module and the version in which it is taught first.

    Raises:
        Refused: Not permitted (M903), there already (M922), no such department (M921), the
            requisites cannot be read (M924), or something was not said (M929).
    """
    access.may(doing.acting, "add a module", department=department)
    answers = existing(Department, department)
    must_be_new(Module, code)
    made = Module.objects.create(code=code, department=answers, act=doing.act)
    doing.name("add a module", "module", code)
    doing.record("module", code, "add", after={"department": department})
    return _add(doing, made, first)


def add_module_version(doing: Doing, code: str, new: NewVersion) -> ModuleVersion:
    """Teach a module in another version from a day on; sections keep the version they teach.

    Raises:
        Refused: Not permitted (M903), no such module (M921), another version holds then
            (M922), the requisites cannot be read (M924), or something was not said (M929).
    """
    found = access.module(doing.acting, code, to="add a module version")
    # Locked, so that two who add at once do not both find the days free.
    Module.objects.select_for_update().get(pk=found.pk)
    held = ModuleVersion.objects.filter(module=found).values_list("starts_on", "ends_on")
    taken = rules.in_its_way((new.starts_on, new.ends_on), held)
    if taken is not None:
        raise Refused(
            "M922",
            f"A version of {code} holds from {taken[0]} to {taken[1] or 'the next version'}.",
            cure="Choose days that no other version claims.",
        )
    doing.name("add a module version", "module", code)
    made = _add(doing, found, new)
    _tell_of_planned(doing, made)
    return made


def _add(doing: Doing, module: Module, new: NewVersion) -> ModuleVersion:
    must_say(title=new.title)
    must_count(0, credits=new.credits, level=new.level)
    if new.ends_on is not None and new.ends_on < new.starts_on:
        raise Refused(
            "M929", f"The last day, {new.ends_on}, is before the first, {new.starts_on}.",
            cure="Correct one of the two.",
        )  # fmt: skip
    _must_know_modules(new.requisites)
    made = ModuleVersion.objects.create(
        module=module, title=new.title, credits=new.credits, level=new.level,
        requisites=new.requisites, starts_on=new.starts_on, ends_on=new.ends_on, act=doing.act,
    )  # fmt: skip
    doing.touch("module", [module.code])
    doing.record(
        "module", module.code, "add version",
        after={"title": new.title, "credits": str(new.credits), "level": new.level,
               "requisites": new.requisites, "starts_on": new.starts_on.isoformat(),
               "ends_on": new.ends_on.isoformat() if new.ends_on else ""},
    )  # fmt: skip
    return made


def _must_know_modules(requisites: str) -> None:
    unknown = queries.unknown_modules(rules.modules_of(rules.parse_requisites(requisites)))
    if unknown:
        raise Refused(
            "M924", f"There is no module {', '.join(unknown)}.",
            cure="Add it first, or correct its code.", place="requisites",
        )  # fmt: skip


def _tell_of_planned(doing: Doing, made: ModuleVersion) -> None:
    """Name the sections that still teach the earlier version though they come later."""
    planned = Section.objects.filter(
        module_version__module=made.module, state=rules.PLANNED
    ).exclude(module_version=made)
    starts = {one.code: one.starts_on for one in queries.terms()}
    for code, term in planned.order_by("code").values_list("code", "term__code"):
        if made.starts_on <= starts[term] and (
            made.ends_on is None or starts[term] <= made.ends_on
        ):
            doing.left.append(
                f"{code} is planned with the earlier version of {made.module.code}; plan it anew "
                "if it should teach this one."
            )
