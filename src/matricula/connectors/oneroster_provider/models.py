"""The tables that are served: one for each table of the standard, made from its list of columns.

All values are text, as the standard writes them. A record that has left stays as a row whose
status says so, without its personal values; nothing is ever taken out of the middle, so a
page begins where the one before it ended however much came and went between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from matricula.connectors.kit.oneroster.objects import METADATA_COLUMN, rest_tables
from matricula.connectors.shelves import ShelfColumns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.kit.oneroster.tables import FileTable

# References that are asked by. Organisations and sessions are few, and divide nothing.
_ASKED_BY = frozenset({
    "users", "classes", "courses", "lineItems", "results", "resources", "assessmentLineItems",
    "assessmentResults",
})  # fmt: skip


class Shelf(ShelfColumns):
    """What one system of the charter is served of one table.

    `records`: how many have a place. `touched`: the latest `dateLastModified` given out.
    """

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("system", "table", name="one_shelf_for_each_table")
        ]


def _model(table: FileTable) -> type[models.Model]:
    """Make the model of a table. `place`: its number in the listing, from 0; never reused."""
    known = table.name.lower()
    # Names of indexes are short, and those of assessments would be cut to the same.
    short = known.replace("assessment", "as")[:16]
    columns: dict[str, Any] = {
        one.name: models.TextField(null=not one.required and one.name != "status")
        for one in table.columns
    }
    columns["dateLastModified"] = models.TextField()
    asked = [
        one.name
        for one in table.columns
        if one.kind == "guid" and (one.refers in _ASKED_BY) and one.name != "sourcedId"
    ]
    meta = type(
        "Meta",
        (),
        {
            "db_table": f"oneroster_{known}",
            "constraints": [
                models.UniqueConstraint("shelf", "sourcedId", name=f"or_one_{known}"),
                models.UniqueConstraint("shelf", "place", name=f"or_place_{known}"),
            ],
            "indexes": [
                models.Index("shelf", name, name=f"or_{short}_{name[:10]}".lower())
                for name in ("dateLastModified", *asked)
            ],
        },
    )
    body = {
        "__module__": __name__,
        "__doc__": f"Rows of {table.name}.",
        "shelf": models.ForeignKey(Shelf, on_delete=models.PROTECT, db_index=False),
        "place": models.BigIntegerField(null=True),
        METADATA_COLUMN: models.TextField(default=""),
        "Meta": meta,
        **columns,
    }
    return type(f"Served{table.name[:1].upper()}{table.name[1:]}", (models.Model,), body)


SERVED: Mapping[str, type[models.Model]] = {
    name: _model(table) for name, table in rest_tables().items()
}
