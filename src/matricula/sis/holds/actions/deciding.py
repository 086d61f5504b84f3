"""Answer whoever asks for a service, and keep the answer whether it is yes or no."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.kernel.checks import in_the_way, told
from matricula.kernel.errors import Refused
from matricula.sis.holds import models, queries, rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.kernel.checks import Check
    from matricula.sis.acts.actions import Doing


class RefusedDecision(Refused):
    """A service was refused to somebody; the act is not done, but the answer is kept.

    Args:
        code: The code of the refusal.
        decided: What was answered. `hub.acting` keeps it once the act was taken back.
    """

    def __init__(self, code: str, decided: rules.Decision) -> None:
        self.decided = decided
        message, cure, office = told(in_the_way(decided.checks))
        super().__init__(code, message, cure=cure, place=office)


def decide(
    doing: Doing, person: int, service: str, checks: Sequence[Check], *, about: str = ""
) -> rules.Decision:
    """Answer somebody who asks for a service, and keep the answer with every check.

    It does not end the act: whoever does many at once goes on with the others. See `ask`.

    Args:
        doing: The act.
        person: For whom.
        service: What is asked for.
        checks: Every check that was made, those of holds and others.
        about: For which term, section or registration.
    """
    return decide_each(doing, service, {person: checks}, about=about)[person]


def decide_each(
    doing: Doing, service: str, checks: Mapping[int, Sequence[Check]], *, about: str = ""
) -> dict[int, rules.Decision]:
    """Answer many at once, and keep every answer: `decide` for each of them."""
    edition = queries.policy_of(doing.acting.policy).edition
    made = {
        person: rules.Decision(
            person, service, about, rules.decided(of), tuple(of), edition,
            doing.acting.account, doing.act, doing.acting.at,
        )
        for person, of in checks.items()
    }  # fmt: skip
    _keep(made.values())
    return made


def ask(
    doing: Doing, person: int, service: str, checks: Sequence[Check], *, about: str = ""
) -> rules.Decision:
    """Answer somebody, and go on only if nothing is in the way.

    Raises:
        RefusedDecision: Something is; the first is said in full, the others are counted (M941).
    """
    made = decide(doing, person, service, checks, about=about)
    if made.is_refused:
        raise RefusedDecision("M941", made)
    return made


@transaction.atomic
def keep_refused(refused: RefusedDecision) -> None:
    """Keep an answer whose act was taken back; in a transaction of its own."""
    _keep([replace(refused.decided, act="")])


def _keep(made: Iterable[rules.Decision]) -> None:
    models.Decision.objects.bulk_create(
        models.Decision(
            person=one.person, service=one.service, about=one.about, result=one.result,
            checks=[check.as_json() for check in one.checks], policy=one.policy,
            account=one.account, act=one.act, decided_at=one.decided_at,
        )
        for one in made
    )  # fmt: skip
