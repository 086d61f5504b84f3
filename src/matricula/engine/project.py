"""Project: what each target should hold, by the charter's expressions.

Makes of flow F the query of what is desired: `key`, `after` (canonical JSON of the granted
fields, by name), `initial` (JSON of proposed fields, or null), `match` (JSON of the match
rule's values) and `waits` (JSON of the links that are not there yet, or null). Keys whose
owner states a value of the wrong type, or that two records claim, stand in `kept_F`
instead: their copies stay as they are. Where there are none it is noted only.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.charter.lineage import passed
from matricula.engine import sql, values
from matricula.engine.workbench import leave_out, run, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from matricula.charter.model import (
        Charter,
        Entity,
        Expression,
        Flow,
        FlowField,
        LinkCall,
        Reference,
    )
    from matricula.engine.workbench import Workbench

GOLDEN = "g"


class Placing:
    """Puts the engine's tables behind the columns of expressions, and the date behind `as_of()`.

    Args:
        on: The institution's date.
        careful: Make null of what cannot be computed. Without, it is an error of the whole
            statement, and faster; see `project`.
    """

    def __init__(self, on: date, *, careful: bool = False) -> None:
        self.on = on
        self.careful = careful

    def bare(self, expression: Expression) -> exp.Expr:
        """Place an expression, errors and all."""
        return exp.Paren(this=expression.tree.copy().transform(self._placed))

    def value(self, expression: Expression) -> exp.Expr:
        """Place an expression in the engine's own type."""
        bare = self.bare(expression)
        return sql.call("try", bare) if self.careful else bare

    def written(self, expression: Expression) -> exp.Expr:
        """Place an expression in the canonical form of plans."""
        written = values.plan_value(self.bare(expression), expression.type)
        return sql.call("try", written) if self.careful else written

    def fails(self, expression: Expression) -> exp.Expr:
        """Say that an expression cannot be computed, which is not the same as being null."""
        written = values.plan_value(self.bare(expression), expression.type)
        # A list that holds null is not null; one that could not be made is.
        return sql.missing(sql.call("try", sql.call("list_value", written)))

    def _placed(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return sql.column(node.name, _ref_alias(node.table) if node.table else GOLDEN)
        if isinstance(node, exp.Anonymous) and node.name.lower() == "as_of":
            return sql.cast(sql.text(self.on.isoformat()), "DATE")
        return node


def project(
    bench: Workbench,
    charter: Charter,
    flow: Flow,
    *,
    on: date,
    careful: bool = False,
) -> exp.Select:
    """Say what the target of a flow should hold.

    Args:
        bench: After `compose` of the flow's entity and of what it refers to; for every
            link the table `link_<this flow>:<field>` (`key`, `external_id`) must be there.
        charter: For the entities behind refs.
        flow: Which.
        on: The institution's date, for `as_of()`.
        careful: Find the records for which an expression cannot be computed (a number too
            large, say) and keep them apart as M507. Slower; needed when one failed.
    """
    placing = Placing(on, careful=careful)
    kept = f"kept_{flow.name}"
    leave_out(bench, kept)
    doubtful = [doubt for doubt in _doubts(charter, flow) if size(bench, doubt.table)]
    parts = _kept(charter, flow, placing, doubtful)
    if parts:
        run(bench, sql.create("TABLE", kept, sql.union(parts)))
    return _desired(charter, flow, placing, kept=bool(size(bench, kept)))


def keys(bench: Workbench, charter: Charter, flow: Flow, *, on: date, careful: bool) -> exp.Select:
    """Select the keys of what `project` says should be there; nothing else is computed."""
    query = exp.select(sql.column("key", GOLDEN))
    query = query.from_(sql.table(f"golden_{flow.entity}", GOLDEN))
    if size(bench, f"kept_{flow.name}"):
        query = query.where(_is_not_kept(flow))
    if not flow.where:
        return query
    entity = charter.entities[flow.entity]
    query = join_refs(query, entity, list(passed(flow.where.reads, entity.refs)))
    return query.where(Placing(on, careful=careful).value(flow.where))


def desired(charter: Charter, flow: Flow, *, on: date) -> exp.Select:
    """Build the query of what is desired; `matricula sql FLOW` prints it."""
    return _desired(charter, flow, Placing(on), kept=True)


def _desired(charter: Charter, flow: Flow, placing: Placing, *, kept: bool) -> exp.Select:
    granted = {n: f for n, f in sorted(flow.fields.items()) if not f.initially}
    proposed = {n: f for n, f in sorted(flow.fields.items()) if f.initially}
    match = [(name, _value(name, e, placing)) for name, e in sorted(flow.match.items())]
    nothing = sql.cast(exp.null(), "VARCHAR")
    query = exp.select(
        sql.column("key", GOLDEN),
        sql.named(sql.json_object(_pairs(granted, placing)), "after"),
        sql.named(sql.json_object(_pairs(proposed, placing)) if proposed else nothing, "initial"),
        sql.named(sql.json_object(match), "match"),
        sql.named(_waits(flow) or nothing, "waits"),
    ).from_(sql.table(f"golden_{flow.entity}", GOLDEN))
    query = _join_refs(query, charter, flow)
    query = _join_links(query, flow)
    if kept:
        query = query.where(_is_not_kept(flow))
    return query.where(placing.value(flow.where)) if flow.where else query


def _is_not_kept(flow: Flow) -> exp.Expr:
    kept = sql.keys_in(f"kept_{flow.name}")
    return sql.absent(sql.column("key", GOLDEN), kept)


def _pairs(fields: dict[str, FlowField], placing: Placing) -> list[tuple[str, exp.Expr]]:
    return [(name, _value(name, field.expression, placing)) for name, field in fields.items()]


def _value(name: str, expression: Expression, placing: Placing) -> exp.Expr:
    # A match rule may ask for a link only where the field of that name is the same link.
    if expression.link:
        return sql.column("external_id", _link_alias(name))
    return placing.written(expression)


def _ref_alias(field: str) -> str:
    return f"ref {field}"


def _link_alias(field: str) -> str:
    return f"link {field}"


def _expressions(flow: Flow) -> list[Expression]:
    found = [field.expression for field in flow.fields.values()] + list(flow.match.values())
    return [*found, flow.where] if flow.where else found


def refs_of(charter: Charter, flow: Flow) -> list[str]:
    """List the refs through which a flow reads, each after those that its key rests on."""
    reads = [read for expression in _expressions(flow) for read in expression.reads]
    return list(passed(reads, charter.entities[flow.entity].refs))


def _join_refs(query: exp.Select, charter: Charter, flow: Flow) -> exp.Select:
    return join_refs(query, charter.entities[flow.entity], refs_of(charter, flow))


def join_refs(
    query: exp.Select, entity: Entity, refs: Sequence[str], *, kind: str = "whole"
) -> exp.Select:
    """Join the records behind some refs of an entity to its own, which stand under `GOLDEN`.

    Args:
        query: From the entity's records.
        entity: Whose refs.
        refs: Names, each after those that its key rests on.
        kind: Of the tables: `whole_E`, or `golden_E` in a full pass.
    """
    for name in refs:
        reference = entity.reference(name)
        query = query.join(
            sql.table(f"{kind}_{reference.entity}", _ref_alias(name)),
            on=sql.same(sql.column("key", _ref_alias(name)), key_behind(reference)),
            join_type="left",
        )
    return query


def key_behind(reference: Reference) -> exp.Expr:
    """Spell the key that a ref leads to."""
    parts = [
        sql.column(read.of, _ref_alias(read.field)) if read.of else sql.column(read.field, GOLDEN)
        for read in reference.by
    ]
    return sql.key_of(parts)


def link_key(link: LinkCall, of: str = GOLDEN) -> exp.Expr:
    """Spell the key that a link asks for."""
    return sql.key_of([sql.column(argument, of) for argument in link.arguments])


def _join_links(query: exp.Select, flow: Flow) -> exp.Select:
    for name, field in flow.fields.items():
        if not field.expression.link:
            continue
        alias = _link_alias(name)
        known = exp.select(sql.column("key"), sql.column("external_id"))
        known = known.from_(sql.table(f"link_{flow.name}:{name}"))
        query = query.join(
            known.where(sql.given(sql.column("external_id"))).subquery(alias),
            on=sql.same(sql.column("key", alias), link_key(field.expression.link)),
            join_type="left",
        )
    return query


def _waits(flow: Flow) -> exp.Expr | None:
    links = [(n, f.expression.link) for n, f in sorted(flow.fields.items()) if f.expression.link]
    if not links:
        return None
    waiting = exp.or_(*[sql.missing(sql.column("external_id", _link_alias(n))) for n, _ in links])
    told = sql.json_object(
        (
            name,
            sql.case(
                [
                    (
                        sql.missing(sql.column("external_id", _link_alias(name))),
                        sql.call("json_array", sql.text(link.flow), link_key(link)),
                    )
                ]
            ),
        )
        for name, link in links
    )
    return sql.case([(waiting, told)])


@dataclass(frozen=True, slots=True)
class _Doubt:
    """What makes values doubtful, and for which fields of which entity.

    Attributes:
        code: M410 (not of its type) or M412 (two records claim the key).
        table: `amiss_E` or `twice_E`.
        column: Its column that `words` are of.
        through: The ref behind which the entity stands; empty for the flow's own.
    """

    code: str
    table: str
    column: str
    words: Mapping[str, str]
    through: str = ""

    def among(self, fields: set[str]) -> exp.Expr:
        """Say that the doubt is about one of these fields."""
        words = sorted({word for field, word in self.words.items() if field in fields})
        if not words:
            return exp.false()
        return exp.In(
            this=sql.column(self.column, "a"), expressions=[sql.text(word) for word in words]
        )


def _kept(
    charter: Charter, flow: Flow, placing: Placing, doubts: Sequence[_Doubt]
) -> list[exp.Query]:
    """Keys to leave alone, because a value that the flow reads cannot be relied on.

    A doubtful value keeps a copy as it is, unless the condition of the flow does not read
    it and says that the record leaves: then it leaves.
    """
    entity = charter.entities[flow.entity]
    deciding = _reads(entity, [flow.where] if flow.where else [])
    deciding[""] |= set(entity.key)
    carried = _reads(entity, _expressions(flow))
    carried[""] |= deciding[""]
    parts: list[exp.Query] = []
    for doubt in doubts:
        decides = doubt.among(deciding[doubt.through])
        carries = doubt.among(carried[doubt.through])
        if flow.where:
            carries = exp.and_(carries, placing.value(flow.where))
        # Who is not on the roster behind the ref has no values, so no doubtful ones.
        behind = (
            sql.column("key", _ref_alias(doubt.through))
            if doubt.through
            else sql.column("key", GOLDEN)
        )
        parts.append(
            _coded(charter, flow, doubt.code)
            .join(sql.table(doubt.table, "a"), on=sql.same(sql.column("key", "a"), behind))
            .where(exp.or_(decides, carries))
        )
    if placing.careful:
        parts.append(_coded(charter, flow, "M507").where(_incomputable(flow, placing)))
    return parts


def _coded(charter: Charter, flow: Flow, code: str) -> exp.Select:
    query = exp.select(sql.column("key", GOLDEN), sql.named(sql.text(code), "code"))
    return _join_refs(query.from_(sql.table(f"golden_{flow.entity}", GOLDEN)), charter, flow)


def _incomputable(flow: Flow, placing: Placing) -> exp.Expr:
    computed = [e for e in _expressions(flow) if not e.link and e is not flow.where]
    failing = exp.or_(exp.false(), *[placing.fails(expression) for expression in computed])
    if not flow.where:
        return failing
    return exp.or_(placing.fails(flow.where), exp.and_(placing.value(flow.where), failing))


def _doubts(charter: Charter, flow: Flow) -> Iterator[_Doubt]:
    entity = charter.entities[flow.entity]
    for through in ("", *refs_of(charter, flow)):
        read = charter.entities[entity.reference(through).entity] if through else entity
        yield _Doubt("M410", f"amiss_{read.name}", "field", {n: n for n in read.fields}, through)
        owners = {name: str(field.owner) for name, field in read.fields.items()}
        yield _Doubt("M412", f"twice_{read.name}", "resource", owners, through)


def _reads(entity: Entity, expressions: Sequence[Expression]) -> defaultdict[str, set[str]]:
    """Gather the fields that expressions read: the entity's own under `""`, others by ref.

    What spells the key behind a ref is read as well.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    reads = [read for expression in expressions for read in expression.reads]
    spelled = passed(reads, entity.refs).values()
    for read in (*reads, *(part for by in spelled for part in by)):
        if read.of:
            found[read.field].add(read.of)
        else:
            found[""].add(read.field)
    for expression in expressions:
        if expression.link:
            found[""].update(expression.link.arguments)
    return found
