"""What former charters said: flows and entities that the present one may no longer name.

Read from the versions that are kept whole. Nothing here grants anything.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.hub.models import CharterVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REF = re.compile(r"ref\((?P<entity>[^)]+)\)")


@dataclass(frozen=True, slots=True)
class Grant:
    """A flow, as far as one needs to know it when it is gone.

    Attributes:
        flow: Its name.
        entity: What was copied.
        target: The resource, as `lms.users`.
        steward: The office that answered for the target.
    """

    flow: str
    entity: str
    target: str
    steward: str


@dataclass(frozen=True, slots=True)
class Kind:
    """An entity by what identifies it.

    Attributes:
        entity: Its name.
        size: Of how many parts its key is made.
        refs: Place in the key to the entity whose key stands there.
    """

    entity: str
    size: int
    refs: Mapping[int, str]


def grants(present: str) -> dict[str, Grant]:
    """List every flow that there ever was, as it stood last.

    Args:
        present: The canonical text of the charter in force.
    """
    found: dict[str, Grant] = {}
    for said in _texts(present):
        for name, flow in said.get("flows", {}).items():
            system = said["systems"][flow["to"].partition(".")[0]]
            found[name] = Grant(name, flow["from"], flow["to"], system["steward"])
    return found


def kinds(present: str) -> dict[str, Kind]:
    """List every entity that there ever was, as it stood last."""
    found: dict[str, Kind] = {}
    for said in _texts(present):
        for name, entity in said.get("entities", {}).items():
            parts = [entity["key"]] if isinstance(entity["key"], str) else entity["key"]
            leads = {
                place: ref["entity"]
                for place, part in enumerate(parts)
                if (ref := _REF.fullmatch(str(entity["fields"][part].get("type"))))
            }
            found[name] = Kind(name, len(parts), leads)
    return found


def _texts(present: str) -> Iterator[dict[str, Any]]:
    """Read all versions, the oldest first and the present one last."""
    kept = CharterVersion.objects.order_by("recorded_at", "digest")
    for text in kept.values_list("text", flat=True).iterator():
        yield json.loads(text)
    yield json.loads(present)
