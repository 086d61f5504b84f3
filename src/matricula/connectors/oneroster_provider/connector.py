"""A system that fetches from us over OneRoster 1.2 REST, kept like any other target.

What flows here lies in tables of our own, and `matricula.api` serves them to the clients that
were let in to this system. What needs the database is imported late, for a charter is checked
before Django is ready.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from matricula.connectors.kit.errors import GiveUp, TryAgain
from matricula.connectors.kit.oneroster.mapping import USERS
from matricula.connectors.kit.oneroster.objects import rest_tables
from matricula.connectors.kit.oneroster.tables import KEY
from matricula.connectors.kit.protocol import (
    Capabilities,
    FieldShape,
    Found,
    Health,
    Outcome,
    Reading,
    ResourceShape,
)
from matricula.connectors.oneroster_provider.settings import (
    COURSEWORK,
    COURSEWORK_FIELDS,
    OneRosterProviderSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from matricula.connectors.kit.protocol import Context, Value, Write, WriteKind

BATCH_SIZE = 5_000


class OneRosterProviderConnector:
    """A system that fetches from us over OneRoster 1.2 REST.

    Args:
        settings: What the charter fixes of it.
        context: Its name, under which clients are let in.
    """

    Settings: ClassVar[type[OneRosterProviderSettings]] = OneRosterProviderSettings

    def __init__(self, settings: OneRosterProviderSettings, context: Context) -> None:
        self.capabilities = Capabilities(batch_size=BATCH_SIZE)
        self._settings = settings
        self._context = context
        self._is_laid_out = False

    def describe(self) -> list[ResourceShape]:
        """Describe every table that objects are made of, and marks of coursework if asked for."""
        shapes = [self._shape(name) for name in rest_tables()]
        if self._settings.coursework:
            fields = tuple(FieldShape(name, writable=False) for name in COURSEWORK_FIELDS)
            shapes.append(ResourceShape(COURSEWORK, fields, writes=frozenset()))
        return shapes

    def ping(self) -> Health:
        """Ask for one row, and say how many clients may fetch."""
        from django.db import DatabaseError

        from matricula.connectors.oneroster_provider import rows

        try:
            held = rows.how_many(self._context.system)
        except DatabaseError:
            return Health(well=False, sentence="The database does not answer.")
        return Health(well=True, sentence=f"{held} records are served as {self._context.system}.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read what is served of one table, without what has left."""
        from matricula.connectors.oneroster_provider import coursework, rows

        self._must_have(resource)
        if resource == COURSEWORK:
            with _in_the_kits_words():
                told = coursework.batches(self._context.system, self._settings.coursework)
                yield Reading(coursework.SCHEMA, told, may_be_empty=True)
            return
        names = [*self._settings.writable(resource)]
        with _in_the_kits_words():
            # Tables of ours that were emptied would lack the hub's links as well.
            yield Reading(
                rows.schema_of(resource, names),
                rows.batches(self._context.system, resource, names),
                may_be_empty=True,
            )

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up by any of their fields, or by `_id`."""
        from matricula.connectors.oneroster_provider import coursework, rows

        self._must_have(resource)
        with _in_the_kits_words():
            if resource == COURSEWORK:
                category = self._settings.coursework
                return coursework.find(self._context.system, category, matches)
            return rows.find(self._context.system, resource, matches)

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - what is fetched by time needs the time at which it could be fetched
        """Apply a batch in one transaction; it can be fetched when this returns."""
        from matricula.connectors.oneroster_provider import actions

        self._must_support(resource, writes)
        if not writes:
            return []
        served = actions.Served(self._context.system, self._settings)
        with _in_the_kits_words():
            if not self._is_laid_out:
                actions.lay_out(served)
                self._is_laid_out = True
            return actions.take_in(served, resource, writes)

    def close(self) -> None:
        """Nothing is held open: the connection is Django's."""

    def _shape(self, table: str) -> ResourceShape:
        fields = tuple(
            FieldShape(name, writable=self._settings.writes(table), required=one.required)
            for name, one in self._settings.writable(table).items()
        )
        return ResourceShape(table, fields, id_field=KEY, writes=self._verbs(table))

    def _verbs(self, table: str) -> frozenset[WriteKind]:
        if table == COURSEWORK or not self._settings.writes(table):
            return frozenset()
        kinds: set[WriteKind] = {"create", "update", "delete"}
        # Only a user can be there and yet be kept out.
        if table == USERS:
            kinds |= {"suspend", "resume"}
        return frozenset(kinds)

    def _must_have(self, resource: str) -> None:
        if resource not in rest_tables() and not (
            resource == COURSEWORK and self._settings.coursework
        ):
            raise GiveUp(
                f"{self._context.system} has no resource {resource}.", code="M602",
                cure=f"Use one of {', '.join(rest_tables())}; `coursework:` adds one.",
            )  # fmt: skip

    def _must_support(self, resource: str, writes: Sequence[Write]) -> None:
        self._must_have(resource)
        kinds = sorted({write.kind for write in writes} - self._verbs(resource))
        if kinds:
            raise GiveUp(
                f"{self._context.system}.{resource} cannot {', '.join(kinds)} records.",
                code="M607",
                cure="Only users can be suspended, tables under `static:` are the charter's and "
                "those under `receives:` the consumer's; use `on_exit: delete` elsewhere.",
            )
        if resource == COURSEWORK:
            return
        named = {field for write in writes for field in (*write.fields, *write.match)}
        unknown = sorted(named - set(self._settings.writable(resource)))
        if unknown:
            raise GiveUp(
                f"{self._context.system}.{resource} has no field {', '.join(unknown)}.",
                code="M603",
                cure="Correct the flow's field, or list it under `metadata:`.",
            )


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
