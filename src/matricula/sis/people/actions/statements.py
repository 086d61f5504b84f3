"""Write down what is so of a person from a day on: names, contact points, directives."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.kernel.checks import must_pass
from matricula.sis.people import access, rules
from matricula.sis.people.actions.writing import lock, put_in, touch
from matricula.sis.people.models import ContactPoint, Directive, Name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.people.access import Someone

_DAY = timedelta(days=1)


def rename(doing: Doing, person: int, asked: rules.Naming, *, on: date) -> None:
    """Give a person a name from a day on; the one before ends the day before.

    A display name of no words ends the one that was: the legal name is used again.

    Args:
        doing: The act.
        person: Whom.
        asked: Which name.
        on: Its first day.

    Raises:
        Refused: Not permitted (M903), no such person (M931), or no such name (M934).
    """
    to = "change a display name" if asked.kind == rules.DISPLAY else "change a legal name"
    someone = access.person(doing.acting, person, to=to)
    must_pass([*rules.naming_checks(asked), *_days(doing, on)], code="M934")
    lock(someone.members)
    given, family = asked.given.strip(), asked.family.strip()
    said = {
        "kind": asked.kind, "given": given, "family": family,
        "plain_given": rules.plain(given), "plain_family": rules.plain(family),
    } if given or family else None  # fmt: skip
    standing = Name.objects.filter(
        person__in=_whose(someone, ends=said is None), kind=asked.kind, withdrawn_at=None
    )
    doing.name("rename", "person", str(someone.person))
    was = put_in(doing, standing, someone.person, said, rules.Stretch(on))
    if was is None:
        return
    touch(doing, someone.members)
    before = [f"{one.given} {one.family}".strip() for one in was]
    after = f"{given} {family}".strip()
    _tell(doing, someone, f"change {asked.kind} name", before=before, after=after, on=on)


def change_contact(doing: Doing, person: int, asked: rules.Contact, *, on: date) -> None:
    """Say how a person is reached from a day on; an empty value: no longer in this way.

    Args:
        doing: The act.
        person: Whom.
        asked: How.
        on: The first day.

    Raises:
        Refused: Not permitted (M903), no such person (M931), or no address (M934).
    """
    someone = access.person(doing.acting, person, to="change a contact point")
    must_pass([*rules.contact_checks(asked), *_days(doing, on)], code="M934")
    lock(someone.members)
    value = asked.value.strip()
    said = {
        "kind": asked.kind, "use": asked.use, "value": value,
        "plain": rules.plain_contact(asked.kind, value),
    } if value else None  # fmt: skip
    standing = ContactPoint.objects.filter(
        person__in=_whose(someone, ends=said is None), kind=asked.kind, use=asked.use,
        withdrawn_at=None,
    )  # fmt: skip
    doing.name("change contact", "person", str(someone.person))
    was = put_in(doing, standing, someone.person, said, rules.Stretch(on))
    if was is None:
        return
    touch(doing, someone.members)
    before = [one.value for one in was]
    what = f"change {asked.use} {asked.kind}"
    _tell(doing, someone, what, before=before, after=value, on=on)


def set_directive(
    doing: Doing, person: int, asked: rules.Wish, *, on: date, until: date | None = None
) -> None:
    """Write down what a person asks for, from a day on and for as long as they say.

    Args:
        doing: The act.
        person: Whose wish.
        asked: What.
        on: The first day.
        until: The last day.

    Raises:
        Refused: Not permitted (M903), no such person (M931), or no such wish (M934).
    """
    _direct(doing, person, asked, rules.Stretch(on, until), is_lifted=False)


def lift_directive(doing: Doing, person: int, asked: rules.Wish, *, on: date) -> None:
    """Write down that a person asks for something no more, from a day on.

    Raises:
        Refused: As `set_directive`.
    """
    _direct(doing, person, asked, rules.Stretch(on), is_lifted=True)


def _direct(
    doing: Doing, person: int, asked: rules.Wish, days: rules.Stretch, *, is_lifted: bool
) -> None:
    someone = access.person(doing.acting, person, to="set a directive")
    must_pass(
        [*rules.wish_checks(asked, is_lifted=is_lifted), *_days(doing, days.first, days.last)],
        code="M934",
    )
    lock(someone.members)
    items = asked.items.strip()
    said = None if is_lifted else {"kind": asked.kind, "items": items}
    standing = Directive.objects.filter(
        person__in=_whose(someone, ends=is_lifted), kind=asked.kind, items=items,
        withdrawn_at=None,
    )  # fmt: skip
    action = "lift directive" if is_lifted else "set directive"
    doing.name(action, "person", str(someone.person))
    was = put_in(doing, standing, someone.person, said, days)
    if was is None:
        return
    touch(doing, someone.members)
    doing.record(
        "person", str(someone.person), action,
        before={"held_from": [one.valid_from.isoformat() for one in was]},
        after={"kind": asked.kind, "items": items, "from": days.first.isoformat(),
               "until": days.last.isoformat() if days.last else ""},
    )  # fmt: skip


def _whose(someone: Someone, *, ends: bool) -> Sequence[int]:
    """Say under which numbers to write: what ends, ends under each of them.

    What begins is the survivor's own; so whoever was merged has theirs back after an un-merge.
    """
    return someone.members if ends else someone.members[:1]


def _days(doing: Doing, on: date, until: date | None = None) -> list[rules.Check]:
    is_own = doing.acting.role == "student"
    return rules.day_checks(on, until, today=doing.acting.today, is_own=is_own)


def _tell(
    doing: Doing, someone: Someone, action: str, *, before: Sequence[str], after: str, on: date
) -> None:
    doing.record(
        "person", str(someone.person), action, before={"value": list(before)},
        after={"value": after, "from": on.isoformat()},
    )  # fmt: skip
