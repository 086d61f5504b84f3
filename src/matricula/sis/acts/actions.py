"""Begin an act and end it: whole or not at all, with its row and its audit entries.

Every action of every part takes the `Doing` that this opens. What the parts did is
gathered in it, so that one act is one row, one set of audit entries and one set of records
that other systems must hear of, however many parts it reached into.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.audit.actions import Entry, append
from matricula.kernel.errors import Refused
from matricula.kernel.keys import new_id
from matricula.sis.acts.models import Act, Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from matricula.accounts.rules import Acting

# So many names are asked for in one question.
_SOME = 5_000


@dataclass(slots=True)
class Doing:
    """An act under way; filled by the actions that are part of it.

    Attributes:
        acting: Who does it.
        act: Its identifier.
        action: What is done, as the first action named it.
        entity: The kind of record it is about.
        key: Which record.
        reverses: The act it takes back.
        approver: The second person, once what they agreed to was used.
        is_preview: Whether it is taken back at its end, and only shows what would follow.
        touched: Keys of records whose copies elsewhere may change, per kind of record.
        left: What could not be done and a person has to see to, in sentences.
        entries: What goes into the audit.
    """

    acting: Acting
    act: str
    action: str = ""
    entity: str = ""
    key: str = ""
    reverses: str = ""
    approver: str = ""
    is_preview: bool = False
    touched: dict[str, set[str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def name(self, action: str, entity: str, key: str) -> None:
        """Say what is done and to which record; the first who says it names the act."""
        if not self.action:
            self.action, self.entity, self.key = action, entity, key

    def rename(self, action: str, entity: str, key: str) -> None:
        """Say what is done after all, where the record did not exist when the act was named."""
        self.action, self.entity, self.key = action, entity, key

    def touch(self, entity: str, keys: Iterable[str]) -> None:
        """Say whose copies elsewhere may change."""
        self.touched.setdefault(entity, set()).update(keys)

    def record(
        self,
        entity: str,
        key: str,
        action: str,
        *,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Write what was done to a record into the audit when the act ends.

        Personal values and grounds stand in `before` and `after`, which can be erased.
        """
        self.entries.append(
            Entry(
                self.acting.account, action, entity, key, f"{self.action} by {self.acting.role}",
                run=self.act, before=before, after=after,
            )
        )  # fmt: skip


@contextmanager
def begin(acting: Acting) -> Iterator[Doing]:
    """Open an act in a transaction; it becomes true when the block ends without an error.

    Raises:
        Refused: Nothing in the block said what was done (M907).
    """
    with transaction.atomic():
        doing = Doing(acting, new_id("act", at=acting.at))
        yield doing
        if not doing.action:
            raise Refused("M907", "Nothing was done.", cure="Report it; this is ours to mend.")
        Act.objects.create(
            id=doing.act, action=doing.action, entity=doing.entity, key=doing.key,
            account=acting.account, role=acting.role, approver=doing.approver,
            reason=acting.reason, reverses=doing.reverses, recorded_at=acting.at,
        )  # fmt: skip
        # Last, for whoever appends next waits until this transaction ends.
        append(doing.entries, at=acting.at)


def next_numbers(series: str, count: int = 1) -> range:
    """Take the next numbers of a series; nobody else ever gets them.

    Whoever takes from the same series waits until this transaction ends. What an act that
    failed had taken is given to the next one, which has had no chance to tell anybody.
    """
    Series.objects.bulk_create([Series(name=series, last=0)], ignore_conflicts=True)
    held = Series.objects.select_for_update().get(name=series)
    first = held.last + 1
    held.last += count
    held.save(update_fields=["last"])
    return range(first, first + count)


def next_of_each(counts: Mapping[str, int]) -> dict[str, int]:
    """Take the next numbers of many series at once.

    Args:
        counts: For each series how many.

    Returns:
        For each series the first of them.
    """
    names = sorted(counts)
    Series.objects.bulk_create([Series(name=n, last=0) for n in names], ignore_conflicts=True)
    held = {
        one.name: one.last
        # In one order, so that no two wait for each other.
        for some in (names[at : at + _SOME] for at in range(0, len(names), _SOME))
        for one in Series.objects.select_for_update().filter(name__in=some).order_by("name")
    }
    Series.objects.bulk_create(
        [Series(name=name, last=held[name] + counts[name]) for name in names],
        update_conflicts=True, unique_fields=["name"], update_fields=["last"],
    )  # fmt: skip
    return {name: last + 1 for name, last in held.items()}


def pass_over(series: str, last: int) -> None:
    """Let a series go on after a number that was given elsewhere, by an import."""
    Series.objects.bulk_create([Series(name=series, last=0)], ignore_conflicts=True)
    Series.objects.filter(name=series, last__lt=last).update(last=last)
