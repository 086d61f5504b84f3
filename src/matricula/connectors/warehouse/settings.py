"""What the charter says about the warehouse."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.kit.database import DatabaseUrl
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TYPE = re.compile(
    r"text|integer|boolean|date|instant|decimal(\(([1-9]|[12][0-9]|3[0-8]),([0-9]|[12][0-9])\))?"
)


def _must_be_a_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        message = f"{text!r} is no name for a table: small letters, digits and _, 40 at most"
        raise ValueError(message)
    return text


def _must_be_a_type(text: str) -> str:
    if not _TYPE.fullmatch(text):
        message = (
            f"{text!r} is no column type; use text, integer, boolean, date, instant, decimal "
            "or decimal(12,2)"
        )
        raise ValueError(message)
    return text


def _must_be_postgresql(text: str) -> str:
    if not text.startswith(("env:", "file:", "postgresql:", "postgresql+")):
        message = "a warehouse is a folder or a PostgreSQL database"
        raise ValueError(message)
    return text


Name = Annotated[str, AfterValidator(_must_be_a_name)]
TypeName = Annotated[str, AfterValidator(_must_be_a_type)]
PostgresUrl = Annotated[DatabaseUrl, AfterValidator(_must_be_postgresql)]


class Resource(BaseModel):
    """One table with history.

    Attributes:
        kind: A dimension describes things; a fact says what happened between them.
        columns: Types by column; text where none is given.
        refs: Column to the resource whose key it holds; a column `<name>_sk` beside it
            then names the version of that record that was valid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["dimension", "fact"] = "dimension"
    columns: dict[str, TypeName] = Field(default_factory=dict)
    refs: dict[str, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys_are_text(self) -> Self:
        typed = {column for column in self.refs if self.columns.get(column, "text") != "text"}
        if typed:
            message = f"{', '.join(sorted(typed))} holds keys under `refs:`, which are text"
            raise ValueError(message)
        return self


class Settings(BaseModel):
    """Where the warehouse is and what its tables look like.

    Attributes:
        folder: For a DuckDB file and its Parquet copies; its parent must exist.
        url: Instead, a PostgreSQL URL without password, or a secret that holds a whole one.
        password: Put into the URL when it is used.
        database_schema: `schema:` in the charter, for PostgreSQL; made when it is not there.
        parquet: Keep a Parquet copy of every table beside the DuckDB file.
        resources: When given, only these exist; otherwise any resource a flow names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    folder: str = ""
    url: PostgresUrl = ""
    password: Secret | None = None
    database_schema: Name = Field(default="warehouse", alias="schema")
    parquet: bool = True
    resources: dict[Name, Resource] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        if bool(self.folder) == bool(self.url):
            message = "a warehouse has either `folder:` or `url:`"
            raise ValueError(message)
        unknown = {ref for one in self.resources.values() for ref in one.refs.values()}
        unknown -= set(self.resources)
        if unknown:
            message = f"`refs:` names {', '.join(sorted(unknown))}, which `resources:` does not"
            raise ValueError(message)
        return self
