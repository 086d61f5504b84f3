"""A small register for tests of its parts: departments, programmes, people who act."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from matricula.accounts.rules import About, Acting, Facts, Granted
from matricula.sis.acts.actions import Doing, begin

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 10, 14, 9, 0, tzinfo=UTC)
TODAY = date(2026, 10, 14)


def acting(role: str = "registrar", scope: str = "all", value: str = "", **told: object) -> Acting:
    """Somebody who acts in one role within one scope, on the day of the tests."""
    return replace(
        Acting("ada", role, AT, TODAY, (Granted(role, scope, value),)),
        **told,  # type: ignore[arg-type]  # whatever a test wants said
    )


@contextmanager
def doing(who: Acting | None = None, **told: object) -> Iterator[Doing]:
    """An act of a registrar, or of somebody else; committed when the block ends."""
    with begin(who or acting(**told)) as act:
        yield act


def agreed(
    by: str, about: str, *, whose: str = "ada", role: str = "registrar", at: datetime = AT
) -> str:
    """Somebody agreed beforehand to one act about a record, such as `student:00000001`.

    The accounts are opened, the role is granted and it is agreed where they are not yet. Gives
    who agreed.
    """
    from matricula.accounts import actions, queries
    from matricula.accounts.models import Account, Grant

    for name in (by, whose):
        Account.objects.get_or_create(name=name, defaults={"opened_at": AT})
    Grant.objects.get_or_create(
        account=queries.account(by), role=role, scope="all",
        defaults={"starts_on": TODAY, "granted_by": "test", "why": "test", "granted_at": AT},
    )  # fmt: skip
    entity, _, key = about.partition(":")
    who = queries.acting(by, role=role, at=at, today=at.date())
    open_ = queries.open_agreements(by, on=at.date())
    if not any((one.whose, one.entity, one.key) == (whose, entity, key) for one in open_):
        actions.agree(replace(who, reason="seen"), whose, About(entity, key))
    return by


@dataclass(frozen=True, slots=True)
class Register:
    """What stands in the small register."""

    department: str = "SCI"
    programme: str = "BIO"


@pytest.fixture
def register(db: None) -> Register:
    """One department, two programmes with a curriculum from cohort 2020 on."""
    from matricula.sis.curriculum import models

    science = models.Department.objects.create(code="SCI", title="Science", act="test")
    for code, title in (("BIO", "Biology"), ("CHE", "Chemistry")):
        programme = models.Programme.objects.create(
            code=code, title=title, department=science, award="BSc", terms=6, act="test"
        )
        models.CurriculumVersion.objects.create(
            programme=programme, version="1", from_cohort="2020", credits=180,
            requirements={}, act="test",
        )  # fmt: skip
    return Register()


__all__ = ["AT", "TODAY", "Facts", "Register", "acting", "agreed", "doing", "register"]
