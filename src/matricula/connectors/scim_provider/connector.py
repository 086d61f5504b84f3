"""An identity provider that fetches from us over SCIM 2.0, kept like any other target.

What flows here lies in tables of our own, and `matricula.api` serves them to the clients that
were let in to this system. What needs the database is imported late, for a charter is checked
before Django is ready.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from matricula.connectors.kit.errors import GiveUp, TryAgain
from matricula.connectors.kit.protocol import (
    Capabilities,
    FieldShape,
    Found,
    Health,
    Outcome,
    Reading,
    ResourceShape,
)
from matricula.connectors.scim_provider.kinds import MEMBERSHIPS, USERS, kinds
from matricula.connectors.scim_provider.settings import ScimProviderSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from matricula.connectors.kit.protocol import Context, Value, Write, WriteKind

BATCH_SIZE = 2_000


class ScimProviderConnector:
    """An identity provider that fetches from us over SCIM 2.0.

    Args:
        settings: What the charter fixes of it, for whoever answers.
        context: Its name, under which clients are let in.
    """

    Settings: ClassVar[type[ScimProviderSettings]] = ScimProviderSettings

    def __init__(self, settings: ScimProviderSettings, context: Context) -> None:
        del settings
        self.capabilities = Capabilities(batch_size=BATCH_SIZE)
        self._context = context

    def describe(self) -> list[ResourceShape]:
        """Describe users, groups, and who is in which group."""
        return [self._shape(name) for name in (*kinds(), MEMBERSHIPS)]

    def ping(self) -> Health:
        """Ask how many records are served."""
        from django.db import DatabaseError

        from matricula.connectors.scim_provider import rows

        try:
            held = rows.how_many(self._context.system)
        except DatabaseError:
            return Health(well=False, sentence="The database does not answer.")
        return Health(well=True, sentence=f"{held} records are served as {self._context.system}.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read what is served of one resource."""
        from matricula.connectors.scim_provider import rows

        self._must_have(resource)
        with _in_the_kits_words():
            # Tables of ours that were emptied would lack the hub's links as well.
            yield Reading(
                rows.schema_of(resource),
                rows.batches(self._context.system, resource),
                may_be_empty=True,
            )

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up by any of their fields, or by `_id`."""
        from matricula.connectors.scim_provider import rows

        self._must_have(resource)
        self._must_know(resource, {name for match in matches for name in match} - {"_id"})
        with _in_the_kits_words():
            return rows.find(self._context.system, resource, matches)

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - what is fetched by time needs the time at which it could be fetched
        """Apply a batch in one transaction; it can be fetched when this returns."""
        from matricula.connectors.scim_provider import actions, memberships

        self._must_support(resource, writes)
        if not writes:
            return []
        with _in_the_kits_words():
            if resource == MEMBERSHIPS:
                return memberships.take_in(self._context.system, writes)
            return actions.take_in(self._context.system, resource, writes)

    def close(self) -> None:
        """Nothing is held open: the connection is Django's."""

    def _shape(self, name: str) -> ResourceShape:
        if name == MEMBERSHIPS:
            pair = tuple(FieldShape(one, required=True) for one in ("group", "user"))
            return ResourceShape(name, pair, writes=_verbs(name))
        fields = tuple(
            FieldShape(one.name, one.type, required=one.required)
            for one in kinds()[name].fields.values()
        )
        return ResourceShape(name, fields, writes=_verbs(name))

    def _must_have(self, resource: str) -> None:
        if resource not in {*kinds(), MEMBERSHIPS}:
            raise GiveUp(
                f"{self._context.system} has no resource {resource}.", code="M602",
                cure=f"Use one of {', '.join((*kinds(), MEMBERSHIPS))}.",
            )  # fmt: skip

    def _must_know(self, resource: str, names: set[str]) -> None:
        known = {one.name for one in self._shape(resource).fields}
        unknown = sorted(names - known)
        if unknown:
            raise GiveUp(
                f"{self._context.system}.{resource} has no field {', '.join(unknown)}.",
                code="M603", cure="Correct the flow's field; `matricula check --live` lists them.",
            )  # fmt: skip

    def _must_support(self, resource: str, writes: Sequence[Write]) -> None:
        self._must_have(resource)
        kinds_of_write = sorted({write.kind for write in writes} - _verbs(resource))
        if kinds_of_write:
            raise GiveUp(
                f"{self._context.system}.{resource} cannot {', '.join(kinds_of_write)} records.",
                code="M607",
                cure="Only users can be suspended; use `on_exit: delete` elsewhere.",
            )
        named = {field for write in writes for field in (*write.fields, *write.match)}
        self._must_know(resource, named)


def _verbs(resource: str) -> frozenset[WriteKind]:
    if resource == MEMBERSHIPS:
        return frozenset({"create", "delete"})
    own: set[WriteKind] = {"create", "update", "delete"}
    # Only a user can be there and yet be kept out.
    return frozenset(own | {"suspend", "resume"} if resource == USERS else own)


@contextmanager
def _in_the_kits_words() -> Iterator[None]:
    from django.db import OperationalError

    try:
        yield
    except OperationalError as error:
        raise TryAgain(
            "The database of what is served does not answer.", code="M610",
            cure="Nothing to do by hand unless it lasts: it is tried again.",
        ) from error  # fmt: skip
