"""About: which rows of a snapshot speak of a record, by the same reading as the line's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import read, sql, survey, values
from matricula.engine.workbench import register, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, Entity, ResourceRef, ValueType
    from matricula.engine.workbench import Workbench


def ids_about(
    bench: Workbench,
    charter: Charter,
    entity: Entity,
    snapshot: tuple[ResourceRef, ds.Dataset],
    parts: Mapping[int, str],
) -> list[str] | None:
    """List the resource's own identifiers of the rows whose key says something.

    Args:
        bench: An open workbench.
        charter: For the types of what spells the key.
        entity: Whose key.
        snapshot: A resource that owns fields of the entity, and what it held.
        parts: Place in the key to the text that stands there.

    Returns:
        The identifiers; None when the snapshot lacks what spells the key today.
    """
    resource, data = snapshot
    names, wanted = survey.spelling(entity, resource), read.wanted_fields(charter, resource)
    if not {"_id", *names} <= set(data.schema.names):
        return None
    said = [
        sql.same(sql.cast(_value(data, names[place], wanted), "VARCHAR"), sql.text(part))
        for place, part in parts.items()
    ]
    register(bench, "held", data)
    query = exp.select(sql.column("_id")).from_(sql.table("held")).where(*said)
    found = [str(row[0]) for row in rows(bench, query)]
    bench.unregister("held")
    return found


def _value(data: ds.Dataset, name: str, wanted: Mapping[str, ValueType]) -> exp.Expr:
    return values.read_value(sql.column(name), data.schema.field(name).type, wanted[name])
