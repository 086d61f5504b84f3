"""Objects as providers send them, and a connector on the small provider."""

from __future__ import annotations

import json
import os
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.oneroster.json_text import Pen
from matricula.connectors.kit.oneroster.objects import shapes
from matricula.connectors.kit.protocol import Context
from matricula.connectors.oneroster.connector import OneRosterConnector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.connectors.oneroster.simulator import Provider

SECRET = "MATRICULA_TRIAL_ROSTER_SECRET"
BASE = "https://roster.northfield.example"


def sent(table: str, row: Mapping[str, object], **more: object) -> dict[str, Any]:
    """The object of the binding that a row is, as `Pen` writes it."""
    pen = Pen(shapes()[table], BASE)
    told = {"status": "active", "dateLastModified": "2026-09-01T06:00:00.000Z", **row}
    texts = [_text(told.get(name)) for name in pen.columns]
    (written,) = pen.page([texts])
    return {**json.loads(written), **more}


def _text(value: object) -> str | None:
    return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)


def role(org: str = "northfield", name: str = "student", kind: str = "primary") -> dict[str, Any]:
    href = f"{BASE}/ims/oneroster/rostering/v1p2/orgs/{org}"
    return {"roleType": kind, "role": name, "org": {"href": href, "sourcedId": org, "type": "org"}}


def user(n: int, **more: object) -> dict[str, Any]:
    row = {
        "sourcedId": f"S{n:04d}",
        "givenName": "Amara",
        "familyName": f"Ngô {n}",
        "enabledUser": True,
        "username": f"s{n}",
        "identifier": f"{n:06d}",
    }
    return sent("users", row, **{"roles": [role()], **more})  # fmt: skip


@contextmanager
def connected(running: Provider, **more: object) -> Iterator[OneRosterConnector]:
    """A connector on a running provider."""
    os.environ[SECRET] = running.client_secret
    settings = OneRosterConnector.Settings.model_validate(
        {"url": running.url, "token_url": running.token_url, "client_id": running.client_id,
         "client_secret": f"env:{SECRET}", **more}
    )  # fmt: skip
    with closing(OneRosterConnector(settings, Context("sims", Path()))) as connector:
        yield connector


def read(connector: OneRosterConnector, resource: str) -> tuple[list[dict[str, Any]], list[str]]:
    """All rows of a resource, and what was odd."""
    with connector.read(resource) as reading:
        rows = [row for batch in reading.batches for row in batch.to_pylist()]
    return rows, [one.message for one in reading.findings]
