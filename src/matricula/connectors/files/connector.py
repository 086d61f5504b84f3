"""Files in a folder, read with suspicion and written as a whole.

The only file that knows paths. Reading is in `reading`, what a write does to rows in
`mapping`, and how a file is replaced in `rewriting`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from matricula.connectors.files import mapping
from matricula.connectors.files.place import file_of
from matricula.connectors.files.reading import describe_columns, opened_reading
from matricula.connectors.files.rewriting import load, save, store_for
from matricula.connectors.files.settings import FileResource, FilesSettings
from matricula.connectors.kit.errors import ConnectorError, GiveUp, TryAgain, Untrusted
from matricula.connectors.kit.places import (
    BUSY_SECONDS,
    held,
    must_be_folder,
    resolved,
    stamp_of,
)
from matricula.connectors.kit.protocol import (
    Capabilities,
    FieldShape,
    Found,
    Health,
    NativeType,
    ResourceShape,
    WriteKind,
)
from matricula.connectors.kit.refuse import no_resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from matricula.connectors.kit.protocol import Context, Outcome, Reading, Value, Write


class FilesConnector:
    """A folder of CSV, Parquet and JSON Lines files.

    Args:
        settings: Which files there are and how they are written.
        context: The system's name and where relative folders start.
    """

    Settings: ClassVar[type[FilesSettings]] = FilesSettings

    def __init__(self, settings: FilesSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        # A batch rewrites its file, so batches are as large as memory comfortably allows.
        self.capabilities = Capabilities(batch_size=100_000)

    def describe(self) -> list[ResourceShape]:
        """Describe every file by its header, or by its settings while it is not there."""
        return [self._shape(name, resource) for name, resource in self._settings.resources.items()]

    def ping(self) -> Health:
        """Say whether the folder and its files are there."""
        try:
            self._folder()
            absent = [
                resource.file
                for resource in self._settings.resources.values()
                if not resource.missing_ok and not self._is_there(resource)
            ]
        except (ConnectorError, OSError) as error:
            return Health(well=False, sentence=str(error))
        if absent:
            return Health(well=False, sentence=f"Not there: {', '.join(absent)}.")
        return Health(well=True, sentence=f"{len(self._settings.resources)} file(s) are there.")

    @contextlib.contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a file, streaming; refuse it as soon as it cannot be trusted."""
        stated = self._resource(resource)
        # What goes wrong inside the caller's own block is not the file's fault.
        with contextlib.ExitStack() as stack:
            with _in_the_kits_words(stated):
                opening = opened_reading(self._path(stated), stated, place=self._place(resource))
                reading = stack.enter_context(opening)
            reading.batches = _spoken(reading.batches, stated)
            yield reading

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up in the whole file."""
        stated = self._resource(resource)
        with _in_the_kits_words(stated):
            sheet, _ = load(self._path(stated), stated, place=self._place(resource))
        return [
            [_found(one, sheet.rows[one], sheet, stated) for one in sheet.matching(match)]
            for match in matches
        ]

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - files carry no instant of their own
        """Apply the writes to the file as a whole and replace it in one step."""
        stated = self._resource(resource)
        if not writes:
            return []
        path = self._path(stated)
        self._must_support(resource, stated, writes)
        with _in_the_kits_words(stated), held(path), _distrust_gives_up():
            before = stamp_of(path)
            sheet, form = load(path, stated, place=self._place(resource))
            outcomes = mapping.apply(sheet, writes, stated, store=store_for(stated, form))
            if any(outcome.error is None for outcome in outcomes):
                if stamp_of(path) != before:
                    raise _changed_under_us(stated)
                save(sheet, form, path, stated)
        return outcomes

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _shape(self, name: str, resource: FileResource) -> ResourceShape:
        with _in_the_kits_words(resource):
            schema = describe_columns(self._path_if_any(resource), resource)
        fields = tuple(
            FieldShape(one.name, _type_name(one.type), required=one.name in resource.key)
            for one in schema
        )
        return ResourceShape(
            name,
            fields,
            id_field=resource.key[0] if len(resource.key) == 1 else "",
            writes=_writes(resource),
            open_ended=not resource.columns,
        )

    def _must_support(self, name: str, resource: FileResource, writes: Sequence[Write]) -> None:
        possible = _writes(resource)
        kinds = sorted({write.kind for write in writes} - possible)
        if kinds:
            raise GiveUp(
                f"{self._place(name)} cannot {', '.join(kinds)} records as it is configured.",
                code="M607",
                cure="Name one file without pattern or trailer row, and say `suspend:` if needed.",
            )
        named = {field for write in writes for field in write.fields}
        known = {one.name for one in self._shape(name, resource).fields}
        unknown = sorted(named - known) if resource.columns else []
        unknown += sorted(named & {"_id", "_suspended", ""})
        if unknown:
            raise GiveUp(
                f"{self._place(name)} has no field {', '.join(unknown)}.",
                code="M603",
                cure="Correct the flow's field, or add it to `columns:`.",
            )

    def _resource(self, name: str) -> FileResource:
        found = self._settings.resources.get(name)
        if found is None:
            raise no_resource(self._context.system, name, self._settings.resources)
        return found

    def _folder(self) -> Path:
        return must_be_folder(resolved(self._settings.folder, self._context), self._context)

    def _path(self, resource: FileResource) -> Path:
        return file_of(self._folder(), resource)

    def _path_if_any(self, resource: FileResource) -> Path | None:
        with contextlib.suppress(Untrusted):
            return self._path(resource)
        return None

    def _is_there(self, resource: FileResource) -> bool:
        path = self._path_if_any(resource)
        return path is not None and path.exists()

    def _place(self, resource: str) -> str:
        return f"{self._context.system}.{resource}"


def _writes(resource: FileResource) -> frozenset[WriteKind]:
    if resource.is_read_only or (resource.control and resource.control.trailer):
        return frozenset()
    kinds: set[WriteKind] = {"create", "update", "delete"}
    if resource.suspend:
        kinds |= {"suspend", "resume"}
    return frozenset(kinds)


def _type_name(arrow: pa.DataType) -> NativeType:
    names: tuple[tuple[bool, NativeType], ...] = (
        (pa.types.is_boolean(arrow), "boolean"),
        (pa.types.is_integer(arrow), "integer"),
        (pa.types.is_decimal(arrow) or pa.types.is_floating(arrow), "decimal"),
        (pa.types.is_date(arrow), "date"),
        (pa.types.is_timestamp(arrow), "instant"),
    )
    return next((name for fits, name in names if fits), "text")


def _found(
    identifier: str, row: mapping.Row, sheet: mapping.Sheet, resource: FileResource
) -> Found:
    fields: dict[str, Value] = {name: mapping.as_value(row.get(name)) for name in sheet.columns}
    if resource.suspend:
        marked = mapping.as_text(row.get(resource.suspend.field))
        fields["_suspended"] = marked == resource.suspend.value
    return Found(identifier, fields)


def _changed_under_us(resource: FileResource) -> TryAgain:
    return TryAgain(
        f"{resource.file} was changed by somebody else just now.",
        code="M621",
        cure="It is tried again by itself.",
        after_seconds=BUSY_SECONDS,
    )


def _spoken(batches: Iterator[pa.RecordBatch], resource: FileResource) -> Iterator[pa.RecordBatch]:
    with _in_the_kits_words(resource):
        yield from batches


@contextlib.contextmanager
def _in_the_kits_words(resource: FileResource) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TryAgain(
            f"{resource.file} could not be used: {error.strerror or type(error).__name__}.",
            code="M610",
            cure="Look at the drive and at who may read and write there.",
        ) from error


@contextlib.contextmanager
def _distrust_gives_up() -> Iterator[None]:
    try:
        yield
    except Untrusted as error:
        raise GiveUp(error.message, code=error.code, cure=error.cure) from error
