"""What a charter's text means as far as it can be told, errors and all.

A draft is read leniently: where the text is broken a part is None or left out, so that
the rules can go on and report everything at once. Only a draft without errors is compiled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from matricula.charter import words
from matricula.charter.expressions import judge_expression, refusals_of
from matricula.charter.lineage import passed
from matricula.charter.model import Read, Reference, ValueType
from matricula.charter.typed import Scope
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from matricula.charter.model import DataClass, Expression, ResourceRef
    from matricula.charter.text import Node

T = TypeVar("T")

_CLASSES = ("public", "personal", "sensitive")


@dataclass(frozen=True, slots=True)
class DraftField:
    """An entity's field; type and owner are None where the text is broken."""

    entity: str
    name: str
    node: Node
    type: ValueType | None
    owner: ResourceRef | None
    owner_field: str
    data_class: DataClass

    @property
    def word(self) -> str:
        """Its full name."""
        return f"{self.entity}.{self.name}"


@dataclass(frozen=True, slots=True)
class DraftEntity:
    """An entity; the roster is None where the text is broken."""

    name: str
    node: Node
    key: tuple[str, ...]
    roster: ResourceRef | None
    found_by: Mapping[ResourceRef, tuple[str, ...]]
    fields: Mapping[str, DraftField]


@dataclass(frozen=True, slots=True)
class DraftExpectation:
    """What an entity's data should say; the condition is None where it was refused."""

    name: str
    node: Node
    that: Expression | None


@dataclass(frozen=True, slots=True)
class DraftFlowField:
    """A granted field; the expression is None where it was refused."""

    name: str
    node: Node
    initially: bool
    expression: Expression | None


@dataclass(frozen=True, slots=True)
class DraftFlow:
    """A flow; what its text does not say, or says wrongly, is left out."""

    name: str
    node: Node
    entity: str
    target: ResourceRef | None
    fields: Mapping[str, DraftFlowField]
    match: Mapping[str, Expression]
    where: Expression | None

    def expressions(self) -> list[Expression]:
        """List every expression of the flow."""
        granted = [f.expression for f in self.fields.values()]
        return [e for e in (*granted, *self.match.values(), self.where) if e is not None]


@dataclass(slots=True)
class Draft:
    """The whole charter as far as it can be told, and what was refused while reading it."""

    root: Node
    systems: Mapping[str, Node] = field(default_factory=dict)
    stewards: Mapping[str, Node] = field(default_factory=dict)
    entities: Mapping[str, DraftEntity] = field(default_factory=dict)
    flows: Mapping[str, DraftFlow] = field(default_factory=dict)
    refs: Mapping[str, Mapping[str, Reference]] = field(default_factory=dict)
    expects: Mapping[str, tuple[DraftExpectation, ...]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def field_of(self, entity: str, name: str) -> DraftField | None:
        """Find an entity's field."""
        known = self.entities.get(entity)
        return known.fields.get(name) if known else None

    def fields(self) -> list[DraftField]:
        """List every field of every entity."""
        return [f for entity in self.entities.values() for f in entity.fields.values()]

    def carried(self, flow: DraftFlow) -> list[DraftField]:
        """List the entity fields that a flow reads, each once, sorted by name (lineage)."""
        reads = [read for e in flow.expressions() for read in e.reads]
        found = {field.word: field for field in self._read(flow.entity, reads)}
        return [found[word] for word in sorted(found)]

    def expected(self, entity: str) -> list[DraftField]:
        """List the fields that an entity's refs and expectations read."""
        reads = [read for ref in self.refs[entity].values() for read in ref.by]
        reads += [r for e in self.expects[entity] if e.that for r in e.that.reads]
        return self._read(entity, reads)

    def _read(self, entity: str, reads: Sequence[Read]) -> list[DraftField]:
        """List what is read: fields, fields behind refs, and the fields that lead there."""
        refs = self.refs.get(entity, {})
        spelled = [part for by in passed(reads, refs).values() for part in by]
        found = []
        for read in (*reads, *spelled):
            own = self.field_of(entity, read.field)
            to = refs[read.field].entity if read.field in refs else ""
            through = own.type.entity if own and own.type else to
            found += [own, self.field_of(through, read.of) if read.of else None]
        return [field for field in found if field]


def draft(root: Node) -> Draft:
    """Read a draft out of a charter's text."""
    found = Draft(root, systems=_section(root, "systems"), stewards=_section(root, "stewards"))
    found.entities = {
        name: _entity(found, name, node) for name, node in _section(root, "entities").items()
    }
    found.refs = {name: _refs(entity.node) for name, entity in found.entities.items()}
    found.expects = {
        name: tuple(_expectations(found, entity)) for name, entity in found.entities.items()
    }
    found.flows = {
        name: _flow(found, name, node) for name, node in _section(root, "flows").items()
    }
    return found


def _section(root: Node, key: str) -> dict[str, Node]:
    section = root.get(key)
    return {n: child for n, child in section.map().items() if child.map()} if section else {}


def _attempt(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except words.Misspelt:
        return None


def _entity(found: Draft, name: str, node: Node) -> DraftEntity:
    by = node.get("found_by")
    fields = node.get("fields")
    spelled = {
        resource: _several(child)
        for word, child in (by.map() if by else {}).items()
        if (resource := _resource(word)) is not None
    }
    return DraftEntity(
        name=name,
        node=node,
        key=_several(node.get("key")),
        roster=_resource(node.text("roster")),
        found_by=spelled,
        fields={
            word: _field(found, name, word, child)
            for word, child in (fields.map() if fields else {}).items()
        },
    )


def _refs(node: Node) -> dict[str, Reference]:
    refs = node.get("refs")
    return {
        name: Reference(child.text("to"), tuple(_read(part) for part in _several(child.get("by"))))
        for name, child in (refs.map() if refs else {}).items()
    }


def _read(part: str) -> Read:
    through, _, behind = part.rpartition(".")
    return Read(through, of=behind) if through else Read(behind)


def _expectations(found: Draft, entity: DraftEntity) -> Iterator[DraftExpectation]:
    expects = entity.node.get("expects")
    for name, node in (expects.map() if expects else {}).items():
        word = f"entities.{entity.name}.expects.{name}"
        that = _expression(found, entity.name, node.get("that"), word, as_="condition")
        yield DraftExpectation(name, node, that)


def _several(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    values = [node.value, *(child.value for child in node.list())]
    return tuple(value for value in values if isinstance(value, str))


def _resource(word: str) -> ResourceRef | None:
    return _attempt(lambda: words.read_resource(word))


def _field(found: Draft, entity: str, name: str, node: Node) -> DraftField:
    owner = _attempt(lambda: words.read_owner(node.text("owner"), name))
    data_class = node.text("class")
    return DraftField(
        entity=entity,
        name=name,
        node=node,
        type=_type(found, f"{entity}.{name}", node),
        owner=owner[0] if owner else None,
        owner_field=owner[1] if owner else "",
        data_class=data_class if data_class in _CLASSES else "public",  # type: ignore[arg-type]  # just compared
    )


def _type(found: Draft, word: str, node: Node) -> ValueType | None:
    kind = node.get("type")
    if kind is None:
        return None
    try:
        return words.read_type(kind.plain(), found.root.text("currency"))
    except words.Misspelt as error:
        # Every other misspelling is a matter of shape and is reported there.
        if kind.value == "money" and found.root.get("currency") is None:
            message = f"{word}: {error}"
            found.findings.append(Finding(kind.place, error.code, message, error.cure))
        return None


def _flow(found: Draft, name: str, node: Node) -> DraftFlow:
    entity = node.text("from")
    fields = node.get("fields")
    match = node.get("match")
    where = node.get("where")
    judged = {
        target: _expression(found, entity, child, f"flows.{name}.match.{target}", as_="link")
        for target, child in (match.map() if match else {}).items()
    }
    return DraftFlow(
        name=name,
        node=node,
        entity=entity,
        target=_resource(node.text("to")),
        fields={
            word: _flow_field(found, entity, child, f"flows.{name}.fields.{word}")
            for word, child in (fields.map() if fields else {}).items()
        },
        match={target: expression for target, expression in judged.items() if expression},
        where=_expression(found, entity, where, f"flows.{name}.where", as_="condition"),
    )


def _flow_field(found: Draft, entity: str, node: Node, word: str) -> DraftFlowField:
    initially = node.get("initially")
    expression = _expression(found, entity, initially or node.get("is"), word, as_="link")
    return DraftFlowField(word.rpartition(".fields.")[2], node, initially is not None, expression)


def _expression(
    found: Draft,
    entity: str,
    node: Node | None,
    word: str,
    *,
    as_: Literal["link", "condition"],
) -> Expression | None:
    if node is None or not isinstance(node.value, str) or entity not in found.entities:
        return None
    zone = _attempt(lambda: words.read_timezone(found.root.text("timezone"))) or "UTC"
    types = {e.name: {f.name: f.type for f in e.fields.values()} for e in found.entities.values()}
    refs = {name: ref.entity for name, ref in found.refs[entity].items()}
    scope = Scope(entity, types, zone, refs)
    expression = judge_expression(
        scope, node.value, links=as_ == "link", condition=as_ == "condition"
    )
    found.findings += [
        Finding(node.place, refusal.code, f"{word}: {refusal.message}", refusal.cure)
        for refusal in refusals_of(scope)
    ]
    return expression
