"""Take in what flows to the register. The connector is the only caller: no person edits this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from matricula.sis.received.models import Heard, Unheeded
from matricula.sis.received.queries import CLEARANCE, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

_SOME = 500


@transaction.atomic
def keep(
    resource: str,
    identity: Sequence[str],
    kept: Iterable[Mapping[str, Any]],
    gone: Iterable[tuple[Any, ...]],
) -> None:
    """Write rows over what is there of them, and delete others, in one transaction.

    Args:
        resource: One of `queries.RESOURCES`.
        identity: The columns that tell its rows apart.
        kept: Rows; columns that one does not have stay as they are.
        gone: Values of `identity` of the rows to delete.
    """
    kept, gone = list(kept), list(gone)
    if resource == CLEARANCE:
        touched = {str(row["student_no"]) for row in kept} | {str(number) for (number,) in gone}
        Unheeded.objects.bulk_create(
            [Unheeded(student_no=number) for number in sorted(touched)], batch_size=_SOME
        )
    model = RESOURCES[resource]
    rows = model._default_manager  # noqa: SLF001 - Django's own name for it
    for values in gone:
        rows.filter(**dict(zip(identity, values, strict=True))).delete()
    alike: dict[tuple[str, ...], list[Any]] = {}
    for row in kept:
        alike.setdefault(tuple(row), []).append(model(**row))
    for names, made in alike.items():
        rest = [name for name in names if name not in identity]
        conflicts: dict[str, Any] = (
            {"update_conflicts": True, "update_fields": rest} if rest
            else {"ignore_conflicts": True}
        )  # fmt: skip
        if rest:
            conflicts["unique_fields"] = list(identity)
        rows.bulk_create(made, batch_size=_SOME, **conflicts)


def take_unheeded(most: int) -> list[str]:
    """Take some of the students whose clearance changed; whoever takes looks at how it is now.

    In the caller's transaction: what comes to nothing is there again.

    Args:
        most: How many changes to take.
    """
    taken = dict(Unheeded.objects.order_by("id").values_list("id", "student_no")[:most])
    Unheeded.objects.filter(id__in=list(taken)).delete()
    return sorted(set(taken.values()))


def hear(resource: str, at: datetime) -> None:
    """Note when whoever tells of a resource was last heard."""
    Heard.objects.update_or_create(resource=resource, defaults={"at": at})
