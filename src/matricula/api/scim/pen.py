"""Write records as SCIM has them: what was granted, and of that what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from matricula.connectors.scim_provider.entries import placed, record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.api.scim.grants import Grant
    from matricula.connectors.scim_provider.queries import Held

    Record = dict[str, Any]

ROOT = "/scim/v2"


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes records of one kind for one client.

    Attributes:
        grant: What may be written.
        base: The address that references begin with.
        only: Paths in small letters, the only ones wanted; all where there are none.
        but: Paths that are not wanted.
    """

    grant: Grant
    base: str
    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    _known: dict[str, bool] = field(default_factory=dict)

    @property
    def names_members(self) -> bool:
        """Whether anything of a group's members is written."""
        return self.grant.members and any(
            self.wants(f"members.{one}") for one in ("value", "$ref", "type")
        )

    def record(self, held: Held, members: Sequence[str] = ()) -> Record:
        """Write a record.

        Args:
            held: As it is kept.
            members: Those of a group, by their `id`.
        """
        values = placed(held.row, self.grant.fields)
        told = record_of(one for one in values if self.wants(one.path))
        core, *more = [str(one.id) for one in self.grant.kind.schemas]
        # RFC 7643 3.1: both are there whatever was asked for.
        schemas = [core, *(urn for urn in more if urn in told)]
        record: Record = {"schemas": schemas, "id": held.identifier, **told}
        if members and self.names_members:
            record["members"] = [self._member(one) for one in members]
        meta = {name: one for name, one in self._meta(held).items() if self.wants(f"meta.{name}")}
        return {**record, "meta": meta} if meta else record

    def version(self, held: Held) -> str:
        """Give a record's version: another one when it changes, or what is granted does."""
        return f'W/"{held.revision}-{self.grant.mark}"'

    def location(self, held: Held) -> str:
        """Give a record's address."""
        return f"{self.base}{ROOT}/{self.grant.kind.path}/{held.identifier}"

    def wants(self, path: str) -> bool:
        """Whether what stands under a path is wanted."""
        if path not in self._known:
            self._known[path] = not self._is_in(path, self.but) and (
                not self.only or self._is_in(path, self.only)
            )
        return self._known[path]

    def _is_in(self, path: str, some: Sequence[str]) -> bool:
        own, core = path.lower(), f"{self.grant.kind.core.lower()}:"
        chosen = [one.removeprefix(core) for one in some]
        return any(
            own == one or own.startswith((f"{one}.", f"{one}:")) or f"{one}:" == core
            for one in chosen
        )

    def _meta(self, held: Held) -> dict[str, str]:
        return {
            "resourceType": self.grant.kind.type, "created": held.created,
            "lastModified": held.modified, "location": self.location(held),
            "version": self.version(held),
        }  # fmt: skip

    def _member(self, identifier: str) -> dict[str, str]:
        told = {
            "value": identifier, "$ref": f"{self.base}{ROOT}/Users/{identifier}", "type": "User",
        }  # fmt: skip
        return {name: one for name, one in told.items() if self.wants(f"members.{name}")}
