"""What a cohort must do to complete a programme: a tree. Pure.

A curriculum's requirements are written as JSON, one object for each requirement:

    {"all_of": [...], "title": "Core"}                      every one of them
    {"any_of": [...]}                                       one of them or more
    {"module": "BIO101", "min_mark": 50}                    this module
    {"choose": 2, "from": ["BIO201", "BIO202", "BIO203"]}   so many modules of a list
    {"credits": 40, "from": ["BIO201", "BIO202"]}           so many credits of a list
    {"credits": 60, "at_level": 3}                          so many credits at a level or above
    {"credits": 180}                                        so many credits of anything

`title` may stand with any; `min_mark` with all but `all_of` and `any_of`: only modules passed
with that mark or a better one count then. A module counts for every requirement that it
meets: none takes it away from another. `{}` alone asks for nothing but the credits of the
version itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ALL_OF, ANY_OF, CHOOSE, CREDITS, MODULE = "all_of", "any_of", "choose", "credits", "module"
_WITH: Mapping[str, frozenset[str]] = {
    ALL_OF: frozenset({"title"}),
    ANY_OF: frozenset({"title"}),
    CHOOSE: frozenset({"title", "from", "min_mark"}),
    CREDITS: frozenset({"title", "from", "at_level", "min_mark"}),
    MODULE: frozenset({"title", "min_mark"}),
}
_DEEPEST = 20
_MOST = Decimal(9999)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement.

    Attributes:
        kind: ALL_OF, ANY_OF, CHOOSE, CREDITS or MODULE.
        place: Where it stands in the tree, such as `all_of[0].any_of[1]`; empty for the root.
        title: What people call it.
        parts: The requirements in it, for ALL_OF and ANY_OF.
        modules: The list it chooses from, or the one module; empty where any module counts.
        need: How many parts, modules or credits make it met.
        level: Modules below it do not count.
        min_mark: The least mark with which a module counts.
    """

    kind: str
    place: str
    title: str = ""
    parts: tuple[Requirement, ...] = ()
    modules: tuple[str, ...] = ()
    need: Decimal = Decimal(1)
    level: int = 0
    min_mark: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Earned:
    """A module that was passed.

    Attributes:
        credits: What was earned by it.
        mark: On the institution's scale; None where there is none, as for a transfer.
        level: At which level it counts.
    """

    credits: Decimal
    mark: Decimal | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one requirement is met.

    Attributes:
        requirement: Which.
        have: How many parts, modules or credits count; never more than are needed by a
            count of parts or modules, but all the credits there are.
        counted: The modules that count, in the order of their codes.
        parts: The same of the requirements in it.
    """

    requirement: Requirement
    have: Decimal
    counted: tuple[str, ...] = ()
    parts: tuple[Progress, ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether nothing is missing."""
        return self.have >= self.requirement.need


def parse_requirements(document: object) -> Requirement:
    """Read a tree of requirements.

    Raises:
        Refused: It cannot be read (M923); the place is that of the first requirement that
            is wrong.
    """
    if document == {}:
        return Requirement(ALL_OF, "", need=Decimal(0))
    return _requirement(document, "", 1)


def with_credits(tree: Requirement, total: Decimal) -> Requirement:
    """Ask for so many credits in all beside what a tree asks for."""
    whole = Requirement(CREDITS, "credits", need=total)
    return Requirement(ALL_OF, "", parts=(whole, tree), need=Decimal(2))


def modules_named(tree: Requirement) -> frozenset[str]:
    """Name the modules that a tree speaks of."""
    return frozenset(tree.modules).union(*(modules_named(part) for part in tree.parts))


def leaves(tree: Requirement) -> list[Requirement]:
    """List the requirements of a tree that are not made of others, from the first to the last."""
    if tree.kind not in (ALL_OF, ANY_OF):
        return [tree]
    return [one for part in tree.parts for one in leaves(part)]


def progress(tree: Requirement, passed: Mapping[str, Earned]) -> Progress:
    """Say how far each requirement of a tree is met.

    Args:
        tree: The requirements.
        passed: The modules that were passed, by code; what was not passed is not in it.
    """
    if tree.kind in (ALL_OF, ANY_OF):
        parts = tuple(progress(part, passed) for part in tree.parts)
        met = sum(part.is_met for part in parts)
        return Progress(tree, min(Decimal(met), tree.need), parts=parts)
    counted = tuple(sorted(_counting(tree, passed)))
    if tree.kind == CREDITS:
        return Progress(tree, sum((passed[one].credits for one in counted), Decimal(0)), counted)
    return Progress(tree, min(Decimal(len(counted)), tree.need), counted)


def _counting(tree: Requirement, passed: Mapping[str, Earned]) -> list[str]:
    wanted = [one for one in tree.modules if one in passed] if tree.modules else list(passed)
    return [one for one in wanted if _counts(tree, passed[one])]


def _counts(tree: Requirement, earned: Earned) -> bool:
    if earned.level < tree.level:
        return False
    return tree.min_mark is None or (earned.mark is not None and earned.mark >= tree.min_mark)


def missing(found: Progress) -> list[str]:
    """Say what is still to be done, in words that follow "must"; nothing where all is met.

    Of requirements of which one is enough, all are named in one sentence.
    """
    if found.is_met:
        return []
    if found.requirement.kind == ALL_OF:
        return [one for part in found.parts for one in missing(part)]
    if found.requirement.kind == ANY_OF:
        return [" or ".join(" and ".join(missing(part)) for part in found.parts)]
    have = f" (has {_said(found.have)})" if found.have else ""
    return [asks(found.requirement) + have]


def asks(tree: Requirement) -> str:
    """Say what a requirement asks, in words that follow "must"."""
    if tree.kind in (ALL_OF, ANY_OF):
        joined = (" and " if tree.kind == ALL_OF else " or ").join(map(asks, tree.parts))
        return tree.title or joined
    if tree.kind == MODULE:
        said = f"pass {tree.modules[0]}"
    elif tree.kind == CHOOSE:
        said = f"pass {_said(tree.need)} of {', '.join(tree.modules)}"
    else:
        said = f"earn {_said(tree.need)} credits"
        said += f" of {', '.join(tree.modules)}" if tree.modules else ""
        said += f" at level {tree.level} or above" if tree.level else ""
    return said if tree.min_mark is None else f"{said}, with {_said(tree.min_mark)} or better"


def _said(number: Decimal) -> str:
    """Write a number without the zeros that a column gives it."""
    return f"{number.normalize():f}"


def _requirement(document: object, place: str, depth: int) -> Requirement:
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise _refusal(place, "a requirement is an object", 'Write such as {"module": "BIO101"}.')
    if depth > _DEEPEST:
        raise _refusal(place, f"no more than {_DEEPEST} levels are read", "Flatten the tree.")
    kinds = [name for name in document if name in _WITH]
    if len(kinds) != 1:
        says = f"says both {' and '.join(kinds)}" if kinds else "does not say what it asks"
        raise _refusal(place, f"it {says}", f"Write exactly one of {', '.join(_WITH)}.")
    (kind,) = kinds
    for name in document:
        if name != kind and name not in _WITH[kind]:
            known = sorted({kind, *_WITH[kind]})
            raise _refusal(place, f"{name} does not stand with {kind}", meant(name, known))
    return _READ[kind](document, place, depth)


def _of_parts(document: Mapping[str, object], place: str, depth: int) -> Requirement:
    kind = ALL_OF if ALL_OF in document else ANY_OF
    own = document[kind]
    if not isinstance(own, list) or not own:
        raise _refusal(place, f"{kind} is a list that is not empty", "List requirements in it.")
    before = f"{place}." if place else ""
    parts = tuple(
        _requirement(part, f"{before}{kind}[{number}]", depth + 1)
        for number, part in enumerate(own)
    )
    need = Decimal(len(parts)) if kind == ALL_OF else Decimal(1)
    return Requirement(kind, place, _title(document, place), parts, need=need)


def _of_module(document: Mapping[str, object], place: str, depth: int) -> Requirement:
    del depth
    modules = _codes([document[MODULE]], place, MODULE)
    return Requirement(
        MODULE, place, _title(document, place), modules=modules,
        min_mark=_least_mark(document, place),
    )  # fmt: skip


def _of_choice(document: Mapping[str, object], place: str, depth: int) -> Requirement:
    del depth
    modules = _codes(document.get("from"), place, "from")
    need = _number(document[CHOOSE], place, CHOOSE)
    if need != need.to_integral_value() or not 1 <= need <= len(modules):
        raise _refusal(
            place, f"choose is {need}, and the list has {len(modules)}",
            f"Write a whole number from 1 to {len(modules)}.",
        )  # fmt: skip
    return Requirement(
        CHOOSE, place, _title(document, place), modules=modules, need=need,
        min_mark=_least_mark(document, place),
    )  # fmt: skip


def _of_credits(document: Mapping[str, object], place: str, depth: int) -> Requirement:
    del depth
    modules = _codes(document["from"], place, "from") if "from" in document else ()
    level = document.get("at_level", 0)
    if isinstance(level, bool) or not isinstance(level, int):
        raise _refusal(place, f"at_level is {level!r}", "Write a whole number.")
    need = _number(document[CREDITS], place, CREDITS)
    if need <= 0:
        raise _refusal(place, "no credits are asked for", "Write a number above zero.")
    return Requirement(
        CREDITS, place, _title(document, place), modules=modules, need=need, level=level,
        min_mark=_least_mark(document, place),
    )  # fmt: skip


_READ: Mapping[str, Callable[[Mapping[str, object], str, int], Requirement]] = {
    ALL_OF: _of_parts, ANY_OF: _of_parts, CHOOSE: _of_choice, CREDITS: _of_credits,
    MODULE: _of_module,
}  # fmt: skip


def _title(document: Mapping[str, object], place: str) -> str:
    title = document.get("title", "")
    if not isinstance(title, str):
        raise _refusal(place, "the title is no text", "Write it in quotation marks.")
    return title


def _codes(told: object, place: str, name: str) -> tuple[str, ...]:
    codes: Sequence[object] = told if isinstance(told, list) else ()
    if not codes or not all(isinstance(code, str) and code.strip() for code in codes):
        raise _refusal(place, f"{name} names no module", "Write the codes of modules.")
    twice = sorted({str(code) for code in codes if codes.count(code) > 1})
    if twice:
        raise _refusal(place, f"{twice[0]} stands in the list twice", "Leave one of them out.")
    return tuple(str(code) for code in codes)


def _least_mark(document: Mapping[str, object], place: str) -> Decimal | None:
    told = document.get("min_mark")
    return None if told is None else _number(told, place, "min_mark")


def _number(told: object, place: str, name: str) -> Decimal:
    try:
        found = Decimal(str(told)) if isinstance(told, (int, float, str)) else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(told, bool) or not found.is_finite() or not 0 <= found <= _MOST:
        raise _refusal(place, f"{name} is {told!r}", f"Write a number from 0 to {_MOST}.")
    return found


def _refusal(place: str, what: str, cure: str) -> Refused:
    where = f"requirements.{place}" if place else "requirements"
    return Refused("M923", f"This cannot be read: {what}.", cure=cure, place=where)
