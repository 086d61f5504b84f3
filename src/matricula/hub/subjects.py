"""Subjects: what is meant by a record, where everything kept of it is to be found.

A record is itself and every record whose key holds its key: a student's enrolments are
about that student. One that merely mentions it in a field is about somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.audit.queries import keys_with
from matricula.hub import former
from matricula.hub.models import DirtyKey, Effect, Incident, Link
from matricula.kernel.errors import Refused
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.hub.desk import Desk


@dataclass(frozen=True, slots=True)
class Subject:
    """Records of one entity, named by what stands in their keys.

    Attributes:
        entity: Which.
        size: Of how many parts its keys are made.
        parts: Place in the key to the text that stands there.
        flows: Every flow that there ever was of this entity.
    """

    entity: str
    size: int
    parts: Mapping[int, str]
    flows: tuple[str, ...]

    @property
    def told(self) -> str:
        """Give a text that stands in every key meant, as keys spell it."""
        if len(self.parts) == self.size:
            return join_key(self.parts[place] for place in range(self.size))
        return join_key([next(iter(self.parts.values())), ""])[:-1]

    def is_about(self, key: str) -> bool:
        """Tell whether a key is one of those meant."""
        if self.told not in key:
            return False
        try:
            found = split_key(key, self.size)
        except ValueError:
            return False
        return all(found[place] == part for place, part in self.parts.items())

    def keys(self) -> set[str]:
        """List the keys meant that the database knows."""
        if len(self.parts) == self.size:
            return {self.told}
        ours = [
            Link.objects.filter(flow__in=self.flows),
            Effect.objects.filter(flow__in=self.flows),
            Incident.objects.filter(flow__in=self.flows),
            DirtyKey.objects.filter(entity=self.entity),
        ]
        known = keys_with(self.entity, self.told)
        for rows in ours:
            known.update(rows.filter(key__contains=self.told).values_list("key", flat=True))
        return {key for key in known if self.is_about(key)}


def subjects(desk: Desk, entity: str, key: str) -> list[Subject]:
    """Find what a record is: itself first, then what hangs on it.

    Raises:
        Refused: No charter ever knew the entity (M517), or its keys look otherwise (M723).
    """
    kinds = former.kinds(desk.charter.text)
    if entity not in kinds:
        raise Refused(
            "M517",
            f"No charter has known an entity {entity}.",
            cure=f"Use one of {', '.join(sorted(kinds))}.",
        )
    flows: dict[str, list[str]] = {}
    for grant in former.grants(desk.charter.text).values():
        flows.setdefault(grant.entity, []).append(grant.flow)
    return [
        Subject(name, kinds[name].size, parts, tuple(flows.get(name, ())))
        for name, parts in _hanging_on(kinds, entity, _parts(kinds[entity], key))
    ]


def _parts(kind: former.Kind, key: str) -> dict[int, str]:
    try:
        return dict(enumerate(split_key(key, kind.size)))
    except ValueError:
        raise Refused(
            "M723",
            f"A key of {kind.entity} has {kind.size} part(s), and this one has not.",
            cure="Write all its parts, joined by `|`, as `matricula plan` shows it.",
        ) from None


def _hanging_on(
    kinds: Mapping[str, former.Kind], entity: str, parts: dict[int, str]
) -> list[tuple[str, dict[int, str]]]:
    """Follow the keys that hold another entity's key of one part."""
    found = [(entity, parts)]
    for name, said in found:
        if kinds[name].size > 1:
            continue
        # The list grows while it is walked: what hangs on what hangs on it.
        found += [
            (kind.entity, {place: said[0]})
            for kind in kinds.values()
            for place, leads in kind.refs.items()
            if leads == name and (kind.entity, {place: said[0]}) not in found
        ]
    return found
