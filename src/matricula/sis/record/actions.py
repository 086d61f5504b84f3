"""Make the record say what the parts say, for the records that an act or a new day touched.

What changed by it is told, so that other systems hear of exactly that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.kernel.keys import join_key, split_key
from matricula.sis.record import queries
from matricula.sis.record.models import Day

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from django.db.models import Model

    from matricula.sis.record.queries import Part

_SOME = 500


@dataclass(frozen=True, slots=True)
class Changed:
    """One record that says something else now.

    Attributes:
        resource: As the charter names it: `students`.
        before: Its columns as they were; None where it was not there.
        after: Its columns as they are; None where it is gone.
    """

    resource: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def row(self) -> Mapping[str, Any]:
        """The columns it has, or had."""
        return self.after or self.before or {}

    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Say of each column that changed what it was and what it is."""
        before, after = self.before or {}, self.after or {}
        return {
            name: (before.get(name), after.get(name))
            for name in self.row
            if before.get(name) != after.get(name)
        }


def refresh(touched: Mapping[str, Collection[str]], *, on: date) -> list[Changed]:
    """Make the record of what was touched say what the parts say on a day.

    Call it in the transaction of the act.

    Args:
        touched: Keys per kind of record, as `Doing.touched`.
        on: The institution's day.

    Returns:
        What changed; nothing where the record already said so.
    """
    found = []
    for kind, keys in touched.items():
        for part in queries.PARTS.get(kind, ()):
            for some in _some(sorted(keys)):
                found += _refresh(part, some, on)
    return found


def _some(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _SOME):
        yield keys[start : start + _SOME]


def _refresh(part: Part, keys: Sequence[str], on: date) -> list[Changed]:
    model, columns, wanted = part
    identity = queries.identity_of(model)
    before = _by(identity, _held(model, columns, keys))
    after = _by(identity, wanted(keys, on))
    resource = next(name for name, of in queries.RESOURCES.items() if of is model)
    changed = [
        Changed(resource, before.get(key), after.get(key))
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]
    _write(model, identity, changed)
    return changed


def _held(
    model: type[Model], columns: tuple[str, ...], keys: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Read the rows of some keys; a key of several columns is found among all that share one.

    They are locked before the parts are read: of two acts about one record the second sees
    what the first has done.
    """
    parts = zip(*(split_key(key, len(columns)) for key in keys), strict=True)
    chosen = {f"{name}__in": set(part) for name, part in zip(columns, parts, strict=True)}
    # Django names its own so, and means them to be used.
    held = model._default_manager.select_for_update().filter(**chosen)  # noqa: SLF001
    rows = held.order_by(*queries.identity_of(model)).values(*_columns(model))
    asked = set(keys)
    return [row for row in rows if join_key(str(row[name]) for name in columns) in asked]


def _columns(model: type[Model]) -> list[str]:
    return [f.name for f in model._meta.concrete_fields if f.name != "id"]  # noqa: SLF001


def _by(identity: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
    return {tuple(row[name] for name in identity): dict(row) for row in rows}


def _write(model: type[Model], identity: tuple[str, ...], changed: Sequence[Changed]) -> None:
    gone = [one.before for one in changed if one.after is None and one.before is not None]
    for row in gone:
        model._default_manager.filter(**{name: row[name] for name in identity}).delete()  # noqa: SLF001
    rest = [name for name in _columns(model) if name not in identity]
    made = [model(**one.after) for one in changed if one.after is not None]
    # A row that is nothing but its identity can only be there or not.
    model._default_manager.bulk_create(  # noqa: SLF001
        made, update_conflicts=bool(rest), ignore_conflicts=not rest,
        unique_fields=list(identity) if rest else None, update_fields=rest or None,
        batch_size=_SOME,
    )  # fmt: skip


def bring_to(on: date) -> list[Changed]:
    """Bring the record to a day: what begins or ends to hold since the day it tells of.

    Returns:
        What changed.
    """
    told = Day.objects.filter(only=1).first()
    if told is not None and told.on >= on:
        return []
    first = told.on if told else on
    found = refresh(queries.touched_on(first, on), on=on)
    Day.objects.update_or_create(only=1, defaults={"on": on})
    return found


def day() -> date | None:
    """Say which day the record tells of."""
    told = Day.objects.filter(only=1).first()
    return told.on if told else None
