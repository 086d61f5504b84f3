"""What OneRoster consumers may fetch, in the tests' own database: organisations and users."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import Subject
from matricula.connectors.kit.protocol import Context
from matricula.connectors.oneroster_provider.connector import OneRosterProviderConnector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matricula.connectors.kit.protocol import Value

NEEDS_DATABASE = True


@contextmanager
def connector(folder: Path) -> Iterator[OneRosterProviderConnector]:
    settings = OneRosterProviderConnector.Settings.model_validate(
        {"metadata": {"orgs": ["metadata.campus"]}}
    )
    with closing(OneRosterProviderConnector(settings, Context("roster", folder))) as made:
        yield made


def org(n: int) -> dict[str, Value]:
    return {
        "sourcedId": f"org-{n:04d}", "name": f'Ngô "{n}"', "type": "school",
        "identifier": f"{n:06d}", "metadata.campus": f"north {n}",
    }  # fmt: skip


def user(n: int) -> dict[str, Value]:
    return {
        "sourcedId": f"S{n:06d}", "username": f"s{n:06d}", "givenName": "Amara",
        "familyName": f"Ngô {n}", "email": f"s{n}@northfield.example", "enabledUser": True,
        "identifier": f"{n:08d}",
    }  # fmt: skip


SUBJECTS = [
    Subject(
        name="oneroster-provider-orgs", make=connector, resource="orgs", row=org,
        match=("sourcedId",), change=("identifier", "another"), text="name",
        clears="metadata.campus", writes=frozenset({"create", "update", "delete"}),
        identity="sourcedId", refused={"type": "wizardry"}, many=60,
    ),
    Subject(
        name="oneroster-provider-users", make=connector, resource="users", row=user,
        match=("identifier",), change=("email", "new@northfield.example"), text="familyName",
        clears="email", identity="sourcedId", refused={"givenName": ""}, many=60,
    ),
]  # fmt: skip
