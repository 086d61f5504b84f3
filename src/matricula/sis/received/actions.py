"""Take in what flows to the register. The connector is the only caller: no person edits this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from matricula.sis.received.queries import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
