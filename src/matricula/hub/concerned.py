"""Which records an act on the register concerns elsewhere, and what is said of them.

A record of another entity may be concerned through a ref: who withdraws loses the access to
every section. Of the register the rows of these records alone are read, as the transaction
under way has them; of other systems what their last trusted snapshot says of them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from matricula.engine import line, project
from matricula.engine.read import Snapshot
from matricula.engine.survey import spelling
from matricula.hub import snapshots
from matricula.kernel.errors import Refused
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, Entity, Flow, ResourceRef
    from matricula.connectors.kit.protocol import Connector
    from matricula.hub.desk import Desk

# Of every key the names of what caused it: an act, or nothing where nobody asks.
Causes = dict[str, set[str]]


class Sources:
    """What the owners say of some records: the register now, other systems as last read.

    Args:
        desk: The charter and the home.
        register: The register's connector.
        name: What the charter calls it.
    """

    def __init__(self, desk: Desk, register: Connector, name: str) -> None:
        self._desk, self._register, self._name = desk, register, name
        self._shapes = {shape.name: shape for shape in register.describe()}

    def rows(
        self, resource: ResourceRef, columns: Sequence[str], values: Collection[tuple[str, ...]]
    ) -> pa.Table | None:
        """Give the rows of which some columns hold some values; None if it was never read.

        Rows that hold a value of each column, but not together, may be among them.
        """
        if resource.system == self._name:
            return self._of_register(resource, columns, values)
        try:
            kept = snapshots.last_trusted(self._desk, resource)
            return None if kept is None else _held(kept, columns, values)
        except (Refused, *snapshots.UNREADABLE):
            # Damaged: the flows that need it are told of, the others are not kept waiting.
            return None

    def _of_register(
        self, resource: ResourceRef, columns: Sequence[str], values: Collection[tuple[str, ...]]
    ) -> pa.Table:
        asked = [dict(zip(columns, one, strict=True)) for one in sorted(values)]
        names = ["_id", *(field.name for field in self._shapes[resource.resource].fields)]
        found = {
            one.external_id: {"_id": one.external_id, **one.fields}
            for some in self._register.find(resource.resource, asked)
            for one in some
        }
        columns_of = {n: [_text(row.get(n)) for row in found.values()] for n in names}
        return pa.table({n: pa.array(column, pa.string()) for n, column in columns_of.items()})


def _held(
    kept: ds.Dataset, columns: Sequence[str], values: Collection[tuple[str, ...]]
) -> pa.Table:
    """Take the rows of a snapshot of which some columns hold some values."""
    wanted = [pa.array(sorted({v[n] for v in values}), pa.string()) for n in range(len(columns))]
    chosen = [
        pc.field(column).cast(pa.string()).isin(some)
        for column, some in zip(columns, wanted, strict=True)
    ]
    condition = chosen[0]
    for another in chosen[1:]:
        condition = condition & another
    return kept.to_table(filter=condition)


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def spread(
    charter: Charter, flow: Flow, touched: Mapping[str, Causes], sources: Sources
) -> Causes:
    """Find the records of a flow that are concerned, themselves or through a ref.

    Args:
        charter: Of the flow.
        flow: Which.
        touched: Keys per entity, with their causes.
        sources: Says which records refer to a touched one.

    Returns:
        Keys of the flow's entity, with the causes of each.
    """
    entity = charter.entities[flow.entity]
    found: Causes = {key: set(of) for key, of in touched.get(entity.name, {}).items()}
    for name in project.refs_of(charter, flow):
        reference = entity.reference(name)
        causes = touched.get(reference.entity)
        if causes:
            columns = [entity.fields[read.field].owner_field for read in reference.by]
            asked = _parts(causes, len(columns))
            rows = sources.rows(entity.roster, columns, asked)
            for key, leads_to in _keyed(entity, rows, columns):
                found.setdefault(key, set()).update(causes.get(leads_to, ()))
    return found


def _parts(keys: Iterable[str], size: int) -> set[tuple[str, ...]]:
    """Split keys; one that the charter spelled otherwise once is nobody's any more."""
    found = set()
    for key in keys:
        with suppress(ValueError):
            found.add(split_key(key, size))
    return found


def _keyed(
    entity: Entity, rows: pa.Table | None, columns: Sequence[str]
) -> Iterable[tuple[str, str]]:
    """Give the key of each row, and the key that some of its columns spell."""
    if rows is None:
        return []
    own = spelling(entity, entity.roster)
    return [
        (join_key(str(row[c]) for c in own), join_key(str(row[c]) for c in columns))
        for row in rows.select([*dict.fromkeys([*own, *columns])]).to_pylist()
    ]


def gather(
    charter: Charter, wanted: Mapping[str, Collection[str]], sources: Sources
) -> dict[ResourceRef, Snapshot]:
    """Read what is said of some records, and of those to which they refer.

    Args:
        charter: Narrowed to the flows that ask.
        wanted: Keys per entity.
        sources: Who says it.

    Returns:
        Part of a snapshot of each resource; none of one that was never read.
    """
    parts: dict[ResourceRef, list[pa.Table]] = {}
    left = {name: set(keys) for name, keys in wanted.items()}
    for entity in _referring_first(charter):
        keys = left.get(entity.name, set())
        size = len(entity.key)
        asked = _parts(keys, size)
        for resource in entity.owners():
            rows = sources.rows(resource, spelling(entity, resource), asked)
            if rows is None:
                continue
            parts.setdefault(resource, []).append(rows)
            if resource == entity.roster:
                _follow(charter, entity, rows, left)
    return {
        resource: Snapshot(resource, _once(pa.concat_tables(tables, promote_options="default")))
        for resource, tables in parts.items()
    }


def _follow(charter: Charter, entity: Entity, rows: pa.Table, left: dict[str, set[str]]) -> None:
    """Ask for the records to which rows refer as well."""
    flows = [flow for flow in charter.flows.values() if flow.entity == entity.name]
    for name in {name for flow in flows for name in project.refs_of(charter, flow)}:
        reference = entity.reference(name)
        columns = [entity.fields[read.field].owner_field for read in reference.by]
        found = {
            join_key(str(row[c]) for c in columns)
            for row in rows.select(columns).to_pylist()
            if all(row[c] is not None for c in columns)
        }
        left.setdefault(reference.entity, set()).update(found)


def _referring_first(charter: Charter) -> list[Entity]:
    """List the entities, those that refer to others before the others."""
    led_to = {
        charter.entities[flow.entity].reference(name).entity
        for flow in charter.flows.values()
        for name in project.refs_of(charter, flow)
    }
    return sorted(charter.entities.values(), key=lambda entity: entity.name in led_to)


def _once(rows: pa.Table) -> pa.Table:
    """Keep one of the rows that were asked for twice."""
    places = {str(one): place for place, one in enumerate(rows["_id"].to_pylist())}
    return rows.take(pa.array(sorted(places.values()), pa.int64()))


def goes_round(charter: Charter, flow: Flow) -> bool:
    """Whether a ref of a flow is found by what another ref says, which is not followed here."""
    entity = charter.entities[flow.entity]
    refs = [entity.reference(name) for name in project.refs_of(charter, flow)]
    return any(read.of for reference in refs for read in reference.by)


def flows_of(charter: Charter, entities: Collection[str]) -> list[Flow]:
    """List the flows that read any of some entities, in delivery order."""
    return [
        flow
        for flow in charter.flows.values()
        if any(read.name in entities for read in line.entities_of(charter, flow))
    ]
