"""What the charter says about a SQL database."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from matricula.connectors.kit.database import DatabaseUrl  # noqa: TC001 - pydantic reads it
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it

Setting = str | int | bool | None


class Suspension(BaseModel):
    """Which column says that a record is suspended, and in what words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    value: Setting = True
    resume_value: Setting = False


class Resource(BaseModel):
    """One table or view.

    Attributes:
        table: Its name; that of the resource when left out.
        key: Columns that identify a record.
        columns: Columns that the charter may name; all when left out.
        where: Column to value: only these records exist for us, and new ones get the values.
        suspend: How a record is suspended; it cannot be when left out.
        external_id: The column that holds the system's own identifier; the key when left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = ""
    key: tuple[str, ...] = Field(min_length=1)
    columns: tuple[str, ...] | None = None
    where: dict[str, Setting] = Field(default_factory=dict)
    suspend: Suspension | None = None
    external_id: str = ""


class Settings(BaseModel):
    """A database and what of it takes part.

    Attributes:
        url: An SQLAlchemy URL without password, or a secret that holds a whole one.
        password: Put into the URL when it is used.
        database_schema: `schema:` in the charter; the connection's own when left out.
        resources: By the name the charter uses after the dot.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    url: DatabaseUrl
    password: Secret | None = None
    database_schema: str | None = Field(default=None, alias="schema")
    resources: dict[str, Resource] = Field(min_length=1)
