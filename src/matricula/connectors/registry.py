"""Which connectors there are: one line each, and those another distribution brings.

Another distribution adds one with an entry point in the group `matricula.connectors`
whose value is the connector's class.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import Connector

_OURS = {
    "canvas": "matricula.connectors.canvas.connector:CanvasConnector",
    "alma": "matricula.connectors.alma.connector:AlmaConnector",
    "files": "matricula.connectors.files.connector:FilesConnector",
    "folio": "matricula.connectors.folio.connector:FolioConnector",
    "koha": "matricula.connectors.koha.connector:KohaConnector",
    "sip2": "matricula.connectors.sip2.connector:Sip2Connector",
    "sql": "matricula.connectors.sql.connector:SqlConnector",
    "oneroster_csv": "matricula.connectors.oneroster_csv.connector:OneRosterCsvConnector",
    "oneroster": "matricula.connectors.oneroster.connector:OneRosterConnector",
    "oneroster_provider": (
        "matricula.connectors.oneroster_provider.connector:OneRosterProviderConnector"
    ),
    "scim_provider": "matricula.connectors.scim_provider.connector:ScimProviderConnector",
    "scim": "matricula.connectors.scim.connector:ScimConnector",
    "ldap": "matricula.connectors.ldap.connector:LdapConnector",
    "moodle": "matricula.connectors.moodle.connector:MoodleConnector",
    "register": "matricula.connectors.sis.connector:RegisterConnector",
    "warehouse": "matricula.connectors.warehouse.connector:WarehouseConnector",
}


def names() -> list[str]:
    """List the names that a charter may use for `connector:`."""
    brought = (point.name for point in entry_points(group="matricula.connectors"))
    return sorted({*_OURS, *brought})


@cache
def connector_class(name: str) -> type[Connector]:
    """Load a connector's class; what is installed is looked through once.

    Raises:
        Refused: There is no connector of that name (M601).
    """
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        return cast("type[Connector]", getattr(import_module(module), attribute))
    for point in entry_points(group="matricula.connectors", name=name):
        return cast("type[Connector]", point.load())
    raise Refused(
        "M601",
        f"There is no connector named {name}.",
        cure=f"{meant(name, names())} Or install the distribution that brings it.",
    )
