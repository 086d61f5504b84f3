"""LDAP as a connector: people, groups and memberships of any directory.

Listings come page by page and are refused when the directory cuts them off; look-ups are
compared on our side; a batch of writes goes out side by side over one connection.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import ConnectorError, GiveUp
from matricula.connectors.kit.protocol import (
    Capabilities,
    Found,
    Health,
    Outcome,
    Reading,
)
from matricula.connectors.kit.refuse import must_have_fields, no_resource
from matricula.connectors.ldap import entries, lookup, mapping, memberships, pairs, tables
from matricula.connectors.ldap.lockstep import Task, run
from matricula.connectors.ldap.permissions import Rights, lock_bites, rights_of
from matricula.connectors.ldap.refusals import Closed
from matricula.connectors.ldap.resources import Directory, Resource, directory_of
from matricula.connectors.ldap.settings import MEMBERS, LdapSettings
from matricula.connectors.ldap.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa
    from pydantic import BaseModel

    from matricula.connectors.kit.protocol import Context, ResourceShape, Value, Write
    from matricula.connectors.ldap.messages import Entry
    from matricula.kernel.findings import Finding


class LdapConnector:
    """One directory. See the README beside this file for what it needs and its traps."""

    Settings: ClassVar[type[BaseModel]] = LdapSettings

    def __init__(self, settings: LdapSettings, context: Context) -> None:
        self._settings = settings
        self._system = context.system
        self._wire = Wire(settings)
        self._directory: Directory | None = None
        self.capabilities = Capabilities(batch_size=settings.batch_size)

    def describe(self) -> list[ResourceShape]:
        """Describe what the directory has today, and what our account may do with it.

        Raises:
            TryAgain: It is away. Stop: it refuses us. GiveUp: it does not describe itself.
        """
        self._directory = directory_of(self._wire, self._settings)
        read_only = self._settings.read_only
        shapes = []
        for resource in self._directory.resources.values():
            rights = self._rights(resource)
            shapes.append(tables.shape_of(resource, rights, read_only=read_only))
            if resource.place.kind == "groups":
                name = resource.name + MEMBERS
                shapes.append(tables.membership_shape(name, rights, read_only=read_only))
        return shapes

    def ping(self) -> Health:
        """Sign in, look for every branch, and ask what we may do there. Never raises."""
        try:
            self._directory = directory_of(self._wire, self._settings)
            lacking = list(self._lacking())
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        if lacking:
            return Health(well=False, sentence=" ".join(lacking))
        named = ", ".join(self._directory.resources)
        return Health(well=True, sentence=f"It speaks LDAP and has {named}.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole resource, page by page.

        Raises:
            GiveUp: There is no such resource, or a limit cuts the listing off. TryAgain, Stop.
        """
        findings: list[Finding] = []
        groups = self._groups_of(resource)
        if groups is not None:
            pages = pairs.read(self._wire, groups, self._people())
            # A university has classes before anybody is in them.
            yield Reading(tables.MEMBERSHIP_SCHEMA, pages, may_be_empty=True, findings=findings)
            return
        kind = self._resource(resource)
        schema = tables.schema_of(kind)
        yield Reading(schema, self._pages(kind, schema, findings), findings=findings)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up; every answer is compared here.

        Raises:
            GiveUp: No such resource or field. TryAgain, Stop.
        """
        groups = self._groups_of(resource)
        if groups is not None:
            for match in matches:
                self._must_know(resource, memberships.FIELDS, match)
            return pairs.find(self._wire, groups, self._people(), matches)
        kind = self._resource(resource)
        for match in matches:
            self._must_know(resource, kind.fields, match)
        return _found(self._wire, kind, matches)

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - entries carry no date of ours
        """Do what is intended, side by side; outcomes in the order of writes.

        Raises:
            GiveUp: No such resource or field. Stop, TryAgain: nothing of it happened.
        """
        if not writes:
            return []
        groups = self._groups_of(resource)
        kind = groups or self._resource(resource)
        self._must_be_possible(resource, kind, writes, is_members=groups is not None)
        if groups is not None:
            known = pairs.known(self._wire, groups, self._people(), writes)
            done = run(self._wire, memberships.tasks(known, writes))
        else:
            done = self._written(kind, writes)
        outcomes = [done[write.key] for write in writes]
        self._judge(kind, writes, outcomes)
        return outcomes

    def close(self) -> None:
        """Let go of the connection; the connector may be used again."""
        self._wire.close()

    def _written(self, kind: Resource, writes: Sequence[Write]) -> dict[str, Outcome]:
        directory = self._known()
        groups = [one for one in directory.resources.values() if one.place.kind == "groups"]
        site = entries.Site(kind, groups, directory.controls, Claims())
        first, twins = _apart(writes)
        done = run(self._wire, self._tasks(site, first))
        # They ask for what another of the batch may just have made, so they look again.
        return done | run(self._wire, self._tasks(site, twins)) if twins else done

    def _tasks(self, site: entries.Site, writes: Sequence[Write]) -> list[Task]:
        creations = [one for one in writes if one.kind == "create"]
        found = lookup.by_matches(self._wire, site.resource, [one.match for one in creations])
        others = [one.external_id or "" for one in writes if one.kind != "create"]
        present = lookup.by_ids(self._wire, site.resource, others)
        matched = {one.key: some for one, some in zip(creations, found, strict=True)}
        tasks = []
        for write in writes:
            entry = present.get((write.external_id or "").lower())
            match write.kind:
                case "create":
                    steps = entries.create(site, write, matched[write.key])
                case "update":
                    steps = entries.update(site, write, entry)
                case "suspend":
                    steps = entries.suspend(site, write, entry)
                case "resume":
                    steps = entries.resume(site, write, entry)
                case "delete":
                    steps = entries.delete(site, write, entry)
            tasks.append(Task((write.key,), steps))
        return tasks

    def _judge(self, kind: Resource, writes: Sequence[Write], outcomes: Sequence[Outcome]) -> None:
        """Tell one entry that is closed to us from a permission that we lack altogether."""
        closed = [one.error for one in outcomes if isinstance(one.error, Closed)]
        if not closed or len(closed) < len(outcomes):
            return
        ids = {write.external_id for write in writes if write.external_id}
        rights = rights_of(self._wire, self._known(), kind, but=ids)
        changed = {name for write in writes for name in write.changed}
        missing = rights.closed_fields & changed
        if any(write.kind != "update" for write in writes):
            missing |= set(rights.lacking())
        if missing or not ids:
            raise closed[0].everywhere()

    def _known(self) -> Directory:
        if self._directory is None:
            self._directory = directory_of(self._wire, self._settings)
        return self._directory

    def _people(self) -> list[Resource]:
        known = self._known().resources.values()
        return [one for one in known if one.place.kind == "people"]

    def _groups_of(self, resource: str) -> Resource | None:
        """Give the groups whose members a resource is."""
        name = resource.removesuffix(MEMBERS)
        place = self._settings.resources.get(name)
        if name == resource or place is None or place.kind != "groups":
            return None
        return self._resource(name)

    def _resource(self, resource: str) -> Resource:
        directory = self._known()
        if resource in directory.missing:
            raise directory.missing[resource]
        if resource not in directory.resources:
            more = ", or add it to `resources:`"
            raise no_resource(self._system, resource, directory.resources, more=more)
        return directory.resources[resource]

    def _must_know(self, resource: str, known: Container[str], names: Iterable[str]) -> None:
        asked = [name for name in names if name != "_id"]
        must_have_fields(f"{self._system}.{resource}", asked, known)

    def _must_be_possible(
        self, resource: str, kind: Resource, writes: Sequence[Write], *, is_members: bool
    ) -> None:
        possible = {"create", "delete"} if is_members else kind.writes
        fields = memberships.FIELDS if is_members else kind.fields
        for write in writes:
            if self._settings.read_only or write.kind not in possible:
                raise GiveUp(
                    f"A record of {self._system}.{resource} cannot take: {write.kind}.",
                    code="M607",
                    cure="Change the flow's `on_exit`, or `suspend:`, `creates:`, `deletes:` or "
                    "`read_only:` of the system.",
                )
            if write.kind not in ("suspend", "delete"):
                self._must_know(resource, fields, {*write.fields, *write.match} - {"_id"})

    def _rights(self, resource: Resource) -> Rights:
        if self._settings.read_only:
            return Rights()
        return rights_of(self._wire, self._known(), resource)

    def _lacking(self) -> Iterator[str]:
        directory = self._known()
        for error in directory.missing.values():
            yield f"{error.message} {error.cure}"
        for resource in directory.resources.values() if not self._settings.read_only else ():
            for right in self._rights(resource).lacking():
                yield f"Our account may not {right}; have that granted."
            if not lock_bites(self._wire, resource):
                yield (
                    f"No password policy with pwdLockout TRUE is to be seen above "
                    f"{resource.place.base}, and without one a lock keeps nobody out: have a "
                    "default policy set up, and us granted to read it."
                )

    def _pages(
        self, kind: Resource, schema: pa.Schema, findings: list[Finding]
    ) -> Iterator[pa.RecordBatch]:
        seen: set[str] = set()
        for base in kind.bases:
            apart = 0
            for page, elsewhere in self._wire.pages(base, kind.wanted, kind.shown):
                apart += elsewhere
                # Whoever moves while we read would be read twice.
                fresh = [one for one in page if _first_time(kind, one, seen)]
                yield tables.batch_of(kind, schema, fresh, findings)
            if apart:
                findings.append(tables.elsewhere(base, apart))


def _first_time(kind: Resource, entry: Entry, seen: set[str]) -> bool:
    if len(kind.bases) == 1:
        return True
    identifier = kind.layout.identifier(entry.attributes)
    if identifier in seen:
        return False
    seen.add(identifier)
    return True


def _apart(writes: Sequence[Write]) -> tuple[list[Write], list[Write]]:
    """Set creations aside whose match an earlier one of the batch has as well."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    first: list[Write] = []
    twins: list[Write] = []
    for write in writes:
        key = tuple(sorted((name, str(v).casefold()) for name, v in write.match.items()))
        is_twin = write.kind == "create" and bool(key) and key in seen
        (twins if is_twin else first).append(write)
        if write.kind == "create":
            seen.add(key)
    return first, twins


def _found(
    wire: Wire, kind: Resource, matches: Sequence[Mapping[str, Value]]
) -> list[list[Found]]:
    by_id = lookup.by_ids(wire, kind, [str(one["_id"]) for one in matches if "_id" in one])
    rest = [{n: v for n, v in one.items() if n != "_id"} for one in matches]
    asked = [{} if "_id" in one else one for one in matches]
    by_field = lookup.by_matches(wire, kind, asked)
    found = []
    for whole, fields, some in zip(matches, rest, by_field, strict=True):
        if "_id" in whole:
            entry = by_id.get(str(whole["_id"]).lower())
            fits = entry is not None and mapping.holds(kind, entry.attributes, fields)
            some = [entry] if entry is not None and fits else []  # noqa: PLW2901 - looked up the other way
        found.append([_as_found(kind, one) for one in some])
    return found


def _as_found(kind: Resource, entry: Entry) -> Found:
    row, _ = mapping.row_of(kind, entry)
    return Found(str(row.pop("_id")), row)
