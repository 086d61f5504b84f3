"""The compiled charter: frozen values that every other room reads.

Nothing here is parsed or checked; `matricula.charter.compile` makes these values and
only from text without errors. Places are `file:line` of the text they came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

Kind = Literal["text", "integer", "decimal", "boolean", "date", "instant", "money", "enum", "ref"]
DataClass = Literal["public", "personal", "sensitive"]
Exit = Literal["suspend", "delete", "leave"]
Drift = Literal["restore", "report", "adopt"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """Events that are posted to an address. `url` may be a reference; `secret` always is."""

    url: str
    secret: str
    events: tuple[str, ...]
    because: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Steward:
    """An office that answers for data. `name` is its word in the charter.

    `channel`: reference to the Apprise URL of where it talks; empty if it is only written to.
    """

    name: str
    title: str
    notify: str
    place: str = ""
    escalate_to: str = ""
    channel: str = ""
    subscribes: Subscription | None = None


@dataclass(frozen=True, slots=True)
class System:
    """A connected product. `settings` holds secrets only as `env:NAME` or `file:PATH`.

    `announces`: reference to what it signs with when it says where to look; empty if it may not.
    """

    name: str
    connector: str
    steward: str
    settings: Mapping[str, object] = field(default_factory=dict)
    place: str = ""
    subscribes: Subscription | None = None
    announces: str = ""


@dataclass(frozen=True, slots=True, order=True)
class ResourceRef:
    """A kind of record that a system exposes, written `lms.users`."""

    system: str
    resource: str

    def __str__(self) -> str:
        """Write it as the charter does."""
        return f"{self.system}.{self.resource}"


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a field or of an expression.

    Attributes:
        kind: One of `Kind`.
        values: The words an `enum` allows, in the charter's order.
        entity: What a `ref` refers to.
        currency: ISO 4217, for `money`; the value itself is integer minor units.
    """

    kind: Kind
    values: tuple[str, ...] = ()
    entity: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """An entity's field and the one place its value comes from."""

    name: str
    type: ValueType
    owner: ResourceRef
    owner_field: str
    data_class: DataClass = "public"
    place: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A record of another entity, found by a key that several fields spell."""

    entity: str
    by: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the owners' data of an entity should say; a breach is a finding."""

    name: str
    that: Expression
    because: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Matching:
    """How to notice records of an entity that may be one.

    Attributes:
        compare: Fields of the roster, and how they are compared: name, text, date, exact.
        others: Per other owner, its own names of these fields.
        propose: The probability, 0 to 1, from which on a steward is asked.
        because: Why they are compared.
    """

    compare: Mapping[str, str]
    others: Mapping[ResourceRef, Mapping[str, str]]
    propose: float
    because: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A canonical kind of record.

    Attributes:
        key: Names of the fields that identify it; all owned by `roster`.
        roster: The one resource that decides who exists.
        found_by: For every other owning resource, its own fields that spell the key.
        fields: By name, in the charter's order.
        refs: Records of other entities found by several fields; each may use those before it.
        expects: What the owners' data should say.
        matching: How to notice records that may be one, if that is asked for.
    """

    name: str
    key: tuple[str, ...]
    roster: ResourceRef
    found_by: Mapping[ResourceRef, tuple[str, ...]]
    fields: Mapping[str, Field]
    place: str = ""
    refs: Mapping[str, Reference] = field(default_factory=dict)
    expects: Mapping[str, Expectation] = field(default_factory=dict)
    matching: Matching | None = None

    def owners(self) -> tuple[ResourceRef, ...]:
        """List the resources that own a field here, the roster first."""
        others = {f.owner for f in self.fields.values()} - {self.roster}
        return (self.roster, *sorted(others))

    def reference(self, name: str) -> Reference:
        """Say where a ref leads. A field of type `ref` is the short form: it holds the key."""
        if name in self.refs:
            return self.refs[name]
        return Reference(self.fields[name].type.entity, (Read(name),))


@dataclass(frozen=True, slots=True)
class LinkCall:
    """`link(flow, key, ...)`: the other flow's external id for a key in the same system."""

    flow: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """One field that an expression reads.

    Attributes:
        field: A field of the entity, or one of its refs.
        of: Set when `field` is a ref and one of the referred entity's fields is read
            through it, written `programme.title` in the charter.
    """

    field: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression of the charter's language.

    Attributes:
        text: As written.
        tree: sqlglot's syntax tree in DuckDB's dialect. Columns are entity fields, a
            table-qualified column (`programme.title`) is read through a ref. Treat as
            read-only; `.copy()` before changing.
        type: What it yields.
        reads: Lineage, sorted.
        link: Set when the whole expression is a `link(...)` call.
    """

    text: str
    tree: exp.Expr
    type: ValueType
    reads: tuple[Read, ...] = ()
    link: LinkCall | None = None


@dataclass(frozen=True, slots=True)
class FlowField:
    """One granted field of a copy. `initially` fields are proposed once, then the target's."""

    name: str
    expression: Expression
    because: str
    initially: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many rows of a plan may do one thing. None is no limit of that sort."""

    share_percent: float | None = None
    count: int | None = None
    each: Each | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """A limit within every group of records: those that share some parts of their key."""

    per: tuple[str, ...]
    limit: Limit


@dataclass(frozen=True, slots=True)
class Guard:
    """Limits on one plan. Both of a limit's halves hold; see `matricula.engine.guard`."""

    exits: Limit
    creations: Limit
    changes: Limit


@dataclass(frozen=True, slots=True)
class Cadence:
    """When a flow runs. `full_at` is the institution's local time, `HH:MM`."""

    on_change: bool = True
    full_at: str = ""
    every: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """What happens while a system is down."""

    queue: bool = True
    alert_after: timedelta = timedelta(hours=2)
    use_snapshot_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Flow:
    """A grant: these fields of this entity are copied to this resource.

    Attributes:
        match: Target field to expression; finds a copy that already exists.
        carries: Every entity field read, as `entity.field`, sorted (lineage).
        after: Flows that this one waits for (`link`), sorted.
        owners: Stewards of the owners of what is carried, sorted.
        digest: Of the flow's text and of everything it depends on; what a signature signs.
    """

    name: str
    purpose: str
    entity: str
    target: ResourceRef
    fields: Mapping[str, FlowField]
    cadence: Cadence
    on_exit: Exit
    on_drift: Drift
    if_unavailable: Unavailable
    guard: Guard
    errors_to: str
    basis: str = ""
    match: Mapping[str, Expression] = field(default_factory=dict)
    where: Expression | None = None
    review_on: date | None = None
    carries: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    digest: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the calendar, both days included, in which flows behave otherwise."""

    name: str
    starts_on: date
    ends_on: date
    flows: tuple[str, ...]
    mode: Literal["freeze", "additions_only"]
    place: str = ""


@dataclass(frozen=True, slots=True)
class Charter:
    """The whole agreement. `flows` stand in an order in which each follows those it waits for.

    `text` is the merged text in its one canonical form, to keep a version by.
    """

    institution: str
    timezone: str
    currency: str
    stewards: Mapping[str, Steward]
    systems: Mapping[str, System]
    entities: Mapping[str, Entity]
    flows: Mapping[str, Flow]
    calendar: tuple[Window, ...] = ()
    digest: str = ""
    text: str = ""

    def title_of(self, steward: str) -> str:
        """Say an office's title; one that the charter no longer has is called by its word."""
        known = self.stewards.get(steward)
        return known.title if known else steward

    def steward_of(self, system: str) -> Steward:
        """Find the office that answers for a system's data."""
        return self.stewards[self.systems[system].steward]
