"""The shape of a charter: its keys, what each may hold, and a sentence about each.

These models say what is written where; they check no meaning across the charter. Their
descriptions become the published JSON Schema, which editors show while one writes.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from matricula.charter import words
from matricula.kernel.durations import PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable


def _by(read: Callable[[str], object]) -> AfterValidator:
    """Let a small grammar judge a text; the text itself is kept."""

    def judge(word: str) -> str:
        try:
            read(word)
        except words.Misspelt as error:
            raise _refusal(error) from error
        return word

    return AfterValidator(judge)


def _pattern(pattern: str) -> Any:  # noqa: ANN401 - pydantic's own marker
    """Publish a pattern; the grammar that judges says more when it refuses."""
    return Field(json_schema_extra={"pattern": pattern})


def _refusal(error: words.Misspelt) -> PydanticCustomError:
    reason = {"reason": str(error), "cure": error.cure}
    return PydanticCustomError(error.code, "{reason} {cure}", reason)


def _judge_type(word: object) -> object:
    try:
        # Any currency will do here: whether the charter names one is a rule of its own.
        words.read_type(word, "EUR")
    except words.Misspelt as error:
        raise _refusal(error) from error
    return word


def _one_or_more(word: object) -> object:
    return [word] if isinstance(word, str) else word


def _judge_date(word: object) -> object:
    if not isinstance(word, str):
        return word
    try:
        date.fromisoformat(word)
    except ValueError as error:
        wrong = words.Misspelt("M115", f"`{word}` is no date.", "Write it as 2026-12-14.")
        raise _refusal(wrong) from error
    return word


Text = Annotated[StrictStr, Field(min_length=1)]
Name = Annotated[StrictStr, _pattern(words.NAME), _by(words.read_name)]
FieldName = Annotated[StrictStr, _pattern(words.NAME), _by(words.read_field_name)]
FlowName = Annotated[StrictStr, _pattern(words.FLOW_NAME), _by(words.read_flow_name)]
Resource = Annotated[StrictStr, Field(examples=["lms.users"]), _by(words.read_resource)]
Owner = Annotated[
    StrictStr,
    Field(examples=["sis.students", "idp.users.userName"]),
    _by(lambda word: words.read_owner(word, "")),
]
Duration = Annotated[StrictStr, Field(json_schema_extra={"pattern": PATTERN})]
Lasting = Annotated[Duration, _by(words.read_duration)]
Share = Annotated[StrictStr, Field(examples=["5%", "2.5%"]), _by(words.read_share)]
Clock = Annotated[StrictStr, Field(examples=["02:00"]), _by(words.read_clock)]
# Its description says the form; a pattern would be shown with the secret that fails it.
Reference = Annotated[StrictStr, Field(examples=["env:NAME"]), _by(words.read_reference)]
Hook = Annotated[StrictStr, Field(examples=["https://host/path"]), _by(words.read_hook)]
Day = Annotated[
    StrictStr, BeforeValidator(_judge_date), Field(json_schema_extra={"format": "date"})
]
_OneOrMore = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ]
    }
)
Several = Annotated[list[Text], Field(min_length=1), BeforeValidator(_one_or_more), _OneOrMore]
Names = Annotated[list[FieldName], Field(min_length=1), BeforeValidator(_one_or_more), _OneOrMore]
FieldKind = Annotated[Any, BeforeValidator(_judge_type), _OneOrMore]


class Part(BaseModel):
    """A part of the charter: only the keys it knows."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class SubscribesPart(Part):
    """Events of the hub that are posted to an address: codes and counts, no record's value."""

    url: Hook = Field(description="Where they are posted; env:NAME or file:PATH if secret.")
    secret: Reference = Field(description="What they are signed with: env:NAME or file:PATH.")
    events: Annotated[
        list[Literal["incident.opened", "incident.closed", "flow.delivered"]], Field(min_length=1)
    ] = Field(description="Which; of each, those that concern who subscribes.")
    because: Text = Field(description="What they are needed for.")


class AnnouncesPart(Part):
    """A system that says, in signed events, where to look; its word is never taken for more."""

    secret: Reference = Field(description="What it signs with: env:NAME or file:PATH.")


class StewardPart(Part):
    """An office that answers for data; not a user account."""

    name: Text = Field(description="The office's name, as people know it.")
    notify: Text = Field(
        description="The e-mail address at which the office is told what it has to do."
    )
    escalate_to: Name | None = Field(
        default=None,
        description="Another office, which hears of what this one left undone by its due date. "
        "Default: the steward of the roster's system.",
    )
    channel: Reference | None = Field(
        default=None,
        description="Where the office talks, such as a chat room: env:NAME or file:PATH of an "
        "Apprise URL. It is told there how much is open, and at once what holds a flow.",
    )
    subscribes: SubscribesPart | None = Field(
        default=None, description="Events that are posted to the office's own tools."
    )


class SystemPart(Part):
    """A connected product."""

    connector: Text = Field(description="Which connector speaks to it, such as sql or scim.")
    steward: Name = Field(description="The office that answers for the data in it.")
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="What the connector needs. A secret is written env:NAME or file:PATH.",
    )
    subscribes: SubscribesPart | None = Field(
        default=None, description="Events that are posted to the system."
    )
    announces: AnnouncesPart | None = Field(
        default=None, description="That the system may say where to look, and what it signs with."
    )


class FieldPart(Part):
    """A field of an entity, and its one owner."""

    owner: Owner = Field(
        description="The one resource whose value counts: sis.students, or "
        "idp.users.userName where the system calls the field otherwise."
    )
    type: FieldKind = Field(
        description="text, integer, decimal, boolean, date, instant, money, money(EUR), "
        "ref(entity), or a list of the words it may hold."
    )
    class_: Literal["public", "personal", "sensitive"] = Field(
        default="public",
        alias="class",
        description="How careful one must be with it. Personal and sensitive need a basis.",
    )


class RefPart(Part):
    """A record of another entity that belongs to this one, found by its key."""

    to: Name = Field(description="The entity it leads to.")
    by: Several = Field(
        description="The fields that spell its key, in that key's order; assessment.code reads "
        "one through a ref."
    )


class ExpectPart(Part):
    """Something that the owners' data should say. A breach is reported and never repaired."""

    that: Text = Field(description="A condition; a record for which it is false is a finding.")
    because: Text = Field(description="Why it should hold.")


class MatchingPart(Part):
    """How to notice records that may be one person. It proposes cases; it links nothing."""

    compare: Annotated[
        dict[FieldName, Literal["name", "text", "date", "exact"]], Field(min_length=2)
    ] = Field(
        description="The roster's fields that are compared, and how: names and texts may be "
        "spelt otherwise, dates may be mistyped, what is exact must be equal."
    )
    with_: dict[Resource, dict[FieldName, Text]] = Field(
        default_factory=dict,
        alias="with",
        description="Other owning resources whose records are compared, and what they call "
        "these fields. Without any, the roster's records are compared with one another.",
    )
    propose: Share = Field(
        default="90%", description="From which probability on a steward is asked."
    )
    because: Text = Field(description="Why records are compared; personal data are read for it.")


class EntityPart(Part):
    """A canonical kind of record: a student, a section, an enrolment."""

    key: Names = Field(description="The field, or the fields, that identify a record.")
    roster: Resource = Field(description="The one resource that decides who exists.")
    found_by: dict[Resource, Several] = Field(
        default_factory=dict,
        description="For every other owning resource: its own field, or fields, that spell "
        "the key.",
    )
    fields: dict[FieldName, FieldPart] = Field(min_length=1, description="By name.")
    refs: dict[FieldName, RefPart] = Field(
        default_factory=dict,
        description="Records of other entities whose key no single field holds; expressions "
        "read through them as through a field of type `ref`.",
    )
    expects: dict[FlowName, ExpectPart] = Field(
        default_factory=dict, description="What the owners' data should say, by name."
    )
    matching: MatchingPart | None = Field(
        default=None, description="How to notice records that may be one person."
    )


class FlowFieldPart(Part):
    """One field of a copy, and why it is there."""

    is_: Text | None = Field(
        default=None, alias="is", description="The expression that gives its value."
    )
    initially: Text | None = Field(
        default=None,
        description="Instead of `is`: a value proposed when the copy is created, which the "
        "target owns from then on.",
    )
    because: Text = Field(description="Why the target needs it.")


class CadencePart(Part):
    """How fresh the copy is kept."""

    on_change: StrictBool = Field(
        default=True, description="Deliver a change as soon as it is seen."
    )
    full: Clock | None = Field(
        default=None, description="Compare everything each day at this local time."
    )
    every: Lasting | None = Field(default=None, description="Look for changes this often.")


class UnavailablePart(Part):
    """What happens while a system is down."""

    queue: StrictBool = Field(
        default=True, description="Keep the work and deliver the latest truth later."
    )
    alert_after: Lasting = Field(default="2h", description="Tell the office after this long.")
    use_snapshot_for: Lasting | None = Field(
        default=None, description="Work from the last trusted reading of an owner this long."
    )


class EachPart(Part):
    """A limit within every group of records, however small; both halves hold."""

    per: Names = Field(description="Parts of the entity's key: who shares them is a group.")
    share: Share | None = Field(default=None, description="Of the group's copies.")
    count: Annotated[StrictInt, Field(ge=0)] | None = Field(default=None, description="In rows.")


class LimitPart(Part):
    """How many rows of one plan may do one thing; both halves hold."""

    share: Share | None = Field(default=None, description="Of the copies there are.")
    count: Annotated[StrictInt, Field(ge=0)] | None = Field(default=None, description="In rows.")
    each: EachPart | None = Field(
        default=None, description="Beside that, a limit within every group: a module, a class."
    )


class GuardPart(Part):
    """Limits on one plan, checked before the first write."""

    exits: LimitPart | None = Field(default=None, description="Suspended or deleted copies.")
    creations: LimitPart | None = Field(default=None, description="New copies.")
    changes: LimitPart | None = Field(default=None, description="Changed copies.")


class FlowPart(Part):
    """A grant: these fields of this entity are copied to this resource."""

    purpose: Text = Field(description="What the copy is for, in one sentence.")
    basis: Text | None = Field(
        default=None, description="The legal basis; needed for personal and sensitive data."
    )
    from_: Name = Field(alias="from", description="The entity whose fields are carried.")
    to: Resource = Field(description="The resource that receives the copy.")
    match: Annotated[dict[Text, Text], Field(min_length=1)] = Field(
        description="Target field to expression: finds a copy that already exists, so that "
        "none is made twice."
    )
    where: Text | None = Field(default=None, description="Which records have a copy.")
    fields: Annotated[dict[Text, FlowFieldPart], Field(min_length=1)] = Field(
        description="The granted fields, by the target's names."
    )
    cadence: CadencePart = Field(description="How fresh the copy is kept.")
    on_exit: Literal["suspend", "delete", "leave"] = Field(
        description="What happens to the copy when its record no longer satisfies `where`."
    )
    on_drift: Literal["restore", "report", "adopt"] = Field(
        description="What happens when somebody edited the copy."
    )
    if_unavailable: UnavailablePart = Field(description="What happens while a system is down.")
    guard: GuardPart = Field(
        default_factory=GuardPart,
        description="Limits on one plan; exits 10% and 25 rows, creations 50%, changes 75% "
        "unless said otherwise.",
    )
    errors_to: Name = Field(description="The office that sees what goes wrong.")
    review_on: Day | None = Field(default=None, description="When to ask again why it exists.")


class WindowPart(Part):
    """A stretch of the calendar in which flows behave more carefully."""

    name: Text = Field(description="What people call it.")
    from_: Day = Field(alias="from", description="Its first day.")
    to: Day = Field(description="Its last day.")
    flows: Annotated[list[FlowName], Field(min_length=1)] = Field(description="Which flows.")
    mode: Literal["freeze", "additions_only"] = Field(description="What they may still do.")


class CharterPart(Part):
    """The institution's agreement on its data. Spread it over files as you like."""

    institution: Text = Field(description="Whose charter it is.")
    timezone: Annotated[Text, _by(words.read_timezone)] = Field(
        description="An IANA time zone: dates and times of day are the institution's."
    )
    currency: Annotated[StrictStr, _by(words.read_currency)] | None = Field(
        default=None, description="ISO 4217, for fields of type `money`."
    )
    calendar: list[WindowPart] = Field(default_factory=list, description="Careful days.")
    stewards: Annotated[dict[Name, StewardPart], Field(min_length=1)] = Field(
        description="Offices that answer for data."
    )
    systems: Annotated[dict[Name, SystemPart], Field(min_length=1)] = Field(
        description="Connected products."
    )
    entities: Annotated[dict[Name, EntityPart], Field(min_length=1)] = Field(
        description="Kinds of record, and who owns their fields."
    )
    flows: dict[FlowName, FlowPart] = Field(
        default_factory=dict, description="What is copied where, and why."
    )
