"""What a charter says about a OneRoster bundle."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.kit.oneroster.stated import must_be_extensions, must_be_rows
from matricula.connectors.kit.oneroster.tables import (
    MODIFIED,
    SECRET,
    STATUS,
    Version,
    tables,
)
from matricula.connectors.oneroster_csv.package import LARGEST_MB


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """How the manifest names the system that makes the bundle."""

    system_name: str = ""
    system_code: str = ""


class OneRosterCsvSettings(_Strict):
    """A bundle, read as a source or kept as a target.

    Attributes:
        file: A zip below the folder that holds `charter/`, or absolute.
        folder: A folder with the files of a bundle; it can only be read.
        version: What is written. What is read says itself.
        strict: Refuse to read a bundle for any breach of the standard.
        mode: `delta` writes, beside the whole bundle, one file of changes for each run.
        deltas: Where the files of changes go; beside the bundle when left out.
        missing_ok: No bundle yet, or a file that is absent from it, is no fault: Matricula
            begins it.
        largest_mb: What its files may come to when unpacked; they are read into memory.
        source: For the manifest.
        metadata: File to the `metadata.` columns that may be written there.
        static: File to fixed rows. Such a file is the charter's alone: what stands here is
            all it holds, and no flow may write to it.
    """

    file: str = ""
    folder: str = ""
    version: Version = "1.2"
    strict: bool = False
    mode: Literal["bulk", "delta"] = "bulk"
    deltas: str = ""
    missing_ok: bool = False
    largest_mb: int = Field(default=LARGEST_MB, ge=1)
    source: Source = Field(default_factory=Source)
    metadata: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    static: dict[str, tuple[dict[str, str | None], ...]] = Field(default_factory=dict)

    @property
    def is_target(self) -> bool:
        """Whether it can be written: only a zip is replaced in one step."""
        return bool(self.file)

    def writable(self, table: str) -> tuple[str, ...]:
        """List the columns of a file that a flow may write."""
        own = tables(self.version)[table].header
        kept = tuple(name for name in own if name not in {STATUS, MODIFIED, *SECRET})
        return (*kept, *self.metadata.get(table, ()))

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> OneRosterCsvSettings:
        if bool(self.file) == bool(self.folder):
            message = "say either `file:` or `folder:`"
            raise ValueError(message)
        if self.file and not self.file.lower().endswith(".zip"):
            message = "`file:` must end with .zip, as the standard demands"
            raise ValueError(message)
        if self.deltas and self.mode != "delta":
            message = "`deltas:` needs `mode: delta`"
            raise ValueError(message)
        for name in (*self.metadata, *self.static):
            if name not in tables(self.version):
                message = f"OneRoster {self.version} has no file {name}"
                raise ValueError(message)
        must_be_extensions(self.metadata)
        must_be_rows(self.static, self.writable)
        return self
