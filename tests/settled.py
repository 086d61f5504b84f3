"""A settled world, made once and put back: its folder, and its rows in the database.

Hundreds of tests begin where every target holds what it should, in a world of the same
files. The first of them in a process signs and loads; for the others what that left is
copied, to the byte.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection

from matricula.cli import sitting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model

_USUAL_CLOCK = sitting.now


@dataclass(frozen=True, slots=True)
class _Kept:
    folder: tempfile.TemporaryDirectory[str]
    rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]]


_kept: dict[str, _Kept] = {}


def bring(folder: Path, settle: Callable[[], None], *, story: str = "") -> None:
    """Settle the world in a folder, or put there what settling the same world has left.

    Args:
        folder: The world's; its home, as yet unmade, lies in it.
        settle: Signs and loads, or does what the story tells.
        story: What it is called, where it is more than to sign and load.
    """
    models = [m for m in apps.get_models() if m.__module__.startswith("matricula.")]
    if sitting.now is not _USUAL_CLOCK or _is_begun(folder, models):
        settle()
        return
    found = _fingerprint(folder) + story
    if found in _kept:
        _copy(Path(_kept[found].folder.name), folder)
        _put_back(_kept[found], models)
        return
    settle()
    place = tempfile.TemporaryDirectory(prefix="matricula-settled-")
    _copy(folder, Path(place.name))
    _kept[found] = _Kept(place, {m._meta.db_table: _rows_of(m) for m in models})


def _copy(here: Path, there: Path) -> None:
    """Copy a folder, over one that is empty or has the same files; one file stays one file."""
    copied: dict[int, str] = {}

    def copy(source: str, target: str) -> str:
        number = Path(source).stat().st_ino
        if number in copied:
            Path(target).unlink(missing_ok=True)
            Path(target).hardlink_to(copied[number])
            return target
        copied[number] = target
        return shutil.copy2(source, target)

    shutil.copytree(here, there, dirs_exist_ok=True, copy_function=copy)


def _is_begun(folder: Path, models: list[type[Model]]) -> bool:
    if (folder / "home").exists():
        return True
    tables = (connection.ops.quote_name(model._meta.db_table) for model in models)
    # In one question: to ask a hundred tables one by one takes longer than to copy a world.
    asked = " OR ".join(f"EXISTS (SELECT 1 FROM {table})" for table in tables)  # noqa: S608 - our own names
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}")
        return bool(cursor.fetchone()[0])


def _fingerprint(folder: Path) -> str:
    told = hashlib.sha256(connection.vendor.encode())
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        told.update(f"\0{path.relative_to(folder)}\0".encode())
        told.update(path.read_bytes())
    return told.hexdigest()


def _rows_of(model: type[Model]) -> tuple[list[str], list[tuple[Any, ...]]]:
    columns = [field.column for field in model._meta.local_concrete_fields]
    named = ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {named} FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608 - our own names
        return columns, cursor.fetchall()


def _put_back(kept: _Kept, models: list[type[Model]]) -> None:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for table, (columns, rows) in kept.rows.items():
            named = ", ".join(map(quote, columns))
            places = ", ".join(["%s"] * len(columns))
            if rows:
                cursor.executemany(f"INSERT INTO {quote(table)} ({named}) VALUES ({places})", rows)  # noqa: S608 - our own names
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
