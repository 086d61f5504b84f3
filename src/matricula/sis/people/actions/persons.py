"""Register persons: matched before they are made, with numbers that nobody else ever gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.sis.acts.actions import next_numbers
from matricula.sis.people import access, queries, rules
from matricula.sis.people.actions.writing import lock, touch
from matricula.sis.people.models import Birth, ContactPoint, Identifier, Name, Person

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.people.rules import Candidate, Described

# So many candidates are shown to whoever must decide.
_SHOWN = 10


def register_matched(
    doing: Doing,
    described: Described,
    *,
    same_as: int | None = None,
    is_new: bool = False,
    on: date | None = None,
) -> Person:
    """Register somebody, unless they may be there already and nobody said who they are.

    Nothing of whoever is there already is changed, but for numbers that nobody holds yet:
    a description is no proof of a new address.

    Args:
        doing: The act.
        described: Who.
        same_as: The person who it is, as somebody decided.
        is_new: Whether somebody decided that it is none of those who are alike.
        on: From which day names and addresses hold; today when left out.

    Returns:
        The person, the one who was there or a new one.

    Raises:
        Refused: Not permitted (M903), somebody may be there already (M932), no such person
            (M931), a number is somebody else's (M933), or the description is wrong (M934): a
            number of our own that nobody holds is wrong, for only we give those.
    """
    access.may_register(doing.acting)
    _must_be_one_answer(same_as, is_new=is_new)
    must_pass(_checks(doing, described), code="M934")
    # Two who register the same newcomer at once take turns here, so that the second is told.
    next_numbers("newcomer")
    alike = queries.alike(described, _SHOWN)
    day = on or doing.acting.today
    if same_as is not None:
        return _taken_for(doing, described, same_as, alike, on=day)
    if alike and not is_new:
        raise Refused(
            "M932",
            f"Somebody may be there already: {'; '.join(str(one) for one in alike)}.",
            cure="Look at each with `matricula register person show`. Then say who it is, "
            "--same-as NUMBER, or that it is none of them, --new.",
        )
    made = register(doing, described, on=day)
    doing.name("register person", "person", str(made.pk))
    told = {"decision": "nobody alike" if not alike else "none of those alike"}
    doing.record("person", str(made.pk), "match", after={**told, **_weighed(alike)})
    return made


def _must_be_one_answer(same_as: int | None, *, is_new: bool) -> None:
    if same_as is not None and is_new:
        raise Refused(
            "M934", f"It cannot be person {same_as} and somebody new.", cure="Say one of the two."
        )


def _checks(doing: Doing, described: Described) -> list[rules.Check]:
    return [
        *rules.naming_checks(rules.Naming(rules.LEGAL, described.given, described.family)),
        *rules.birth_checks(described.born_on, today=doing.acting.today),
        *rules.contact_checks(rules.Contact(rules.EMAIL, rules.STUDY, described.email)),
        *rules.contact_checks(rules.Contact(rules.PHONE, rules.STUDY, described.phone)),
        *(
            check
            for one in described.numbers
            for check in rules.number_checks(
                one, is_held=queries.holder(one.system, one.kind, one.value) is not None
            )
        ),
    ]


def _taken_for(
    doing: Doing, described: Described, same_as: int, alike: Sequence[Candidate], *, on: date
) -> Person:
    found = queries.person(queries.resolve([same_as])[same_as])
    doing.name("recognise person", "person", str(found.pk))
    told = {"decision": "same as", "person": found.pk, **_weighed(alike)}
    doing.record("person", str(found.pk), "match", after=told)
    for one in described.numbers:
        give_number(doing, found.pk, system=one.system, kind=one.kind, value=one.value, on=on)
    return found


def _weighed(alike: Sequence[Candidate]) -> dict[str, object]:
    return {
        "candidates": [
            {"person": one.person, "strength": one.strength, "evidence": list(one.evidence)}
            for one in alike
        ]
    }


def register(doing: Doing, described: Described, *, on: date) -> Person:
    """Add a person of whom it is settled that they are not there yet.

    Args:
        doing: The act. Whether it may be done is asked by whoever settled the identity.
        described: Who.
        on: From which day the name and the address hold.

    Raises:
        Refused: One of the numbers is somebody else's (M933).
    """
    stamp = {"act": doing.act, "recorded_at": doing.acting.at}
    made = Person.objects.create(**stamp)
    if described.born_on is not None:
        Birth.objects.create(person=made, born_on=described.born_on, **stamp)
    given, family = described.given.strip(), described.family.strip()
    Name.objects.create(
        person=made, kind=rules.LEGAL, given=given, family=family, plain_given=rules.plain(given),
        plain_family=rules.plain(family), valid_from=on, **stamp,
    )  # fmt: skip
    for kind, value in ((rules.EMAIL, described.email), (rules.PHONE, described.phone)):
        if value.strip():
            ContactPoint.objects.create(
                person=made, kind=kind, use=rules.STUDY, value=value.strip(),
                plain=rules.plain_contact(kind, value), valid_from=on, **stamp,
            )  # fmt: skip
    doing.record("person", str(made.pk), "register person", after={"names": 1})
    for one in described.numbers:
        give_number(doing, made.pk, system=one.system, kind=one.kind, value=one.value, on=on)
    return made


def give_number(
    doing: Doing, person: int, *, system: str, kind: str, value: str, on: date
) -> None:
    """Write down a number that a system gave a person; nobody else ever gets it.

    Whether it may be done is asked by whoever gives the number. Where the person holds it
    already, nothing is written.

    Raises:
        Refused: Somebody else holds it, or held it once (M933).
    """
    holder = queries.holder(system, kind, value)
    if holder is not None and holder == queries.resolve([person])[person]:
        return
    try:
        # In a savepoint: whoever was quicker is to be named, and the act may go on.
        with transaction.atomic():
            _must_be_free(holder, system, kind, value)
            Identifier.objects.create(
                person_id=person, system=system, kind=kind, value=value, valid_from=on,
                act=doing.act, recorded_at=doing.acting.at,
            )  # fmt: skip
    except IntegrityError:
        _must_be_free(queries.holder(system, kind, value), system, kind, value)
        raise
    told = {"system": system, "kind": kind, "value": value}
    doing.record("person", str(person), "give number", after=told)


def _must_be_free(holder: int | None, system: str, kind: str, value: str) -> None:
    if holder is not None:
        raise Refused(
            "M933",
            f"The {kind} number {value} of {system} is person {holder}'s, for ever.",
            cure="If the two are one person, merge them; otherwise take another number.",
        )


def correct_birth_date(doing: Doing, person: int, born_on: date) -> None:
    """Write down on which day somebody was born in truth; what was thought before stays.

    Raises:
        Refused: Not permitted (M903), no such person (M931), or a day to come (M934).
    """
    someone = access.person(doing.acting, person, to="correct a birth date")
    must_pass(rules.birth_checks(born_on, today=doing.acting.today), code="M934")
    lock([someone.person])
    doing.name("correct birth date", "person", str(someone.person))
    held = Birth.objects.filter(person=someone.person, withdrawn_at=None)
    before = held.first()
    if before is not None and before.born_on == born_on:
        return
    held.update(withdrawn_at=doing.acting.at)
    Birth.objects.create(
        person_id=someone.person, born_on=born_on, act=doing.act, recorded_at=doing.acting.at
    )
    touch(doing, someone.members)
    was = before.born_on.isoformat() if before else ""
    doing.record(
        "person", str(someone.person), "correct birth date", before={"born_on": was},
        after={"born_on": born_on.isoformat()},
    )  # fmt: skip
