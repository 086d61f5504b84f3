"""One run at a time: a lock in the database, or beside the embedded one."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connection

from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.hub.desk import Desk

_LOCK = 0x6D617472  # "matr": the hub's own number among PostgreSQL's advisory locks


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let commands that find an older PostgreSQL database bring it up to date in turn."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK + 1])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK + 1])


@contextmanager
def alone(desk: Desk) -> Iterator[None]:
    """Be the only run while inside.

    Raises:
        Refused: Another run is at work (M516).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            (got,) = cursor.fetchone()
        if not got:
            raise _busy()
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
        return
    desk.home.mkdir(parents=True, exist_ok=True)
    # Where the truth is: whoever shares the database shares the lock, whatever their homes. And
    # in the home, whose files one run alone may sweep.
    with _held(_beside_the_database()), _held(desk.home / "run.lock"):
        yield


def _beside_the_database() -> Path:
    # By whichever link the database is reached.
    path = Path(connection.settings_dict["NAME"]).resolve()
    return path.with_name(f"{path.name}.run.lock")


@contextmanager
def _held(path: Path) -> Iterator[None]:
    # Never through a link: opening must not empty or make a file elsewhere.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy() from error
        yield


def _busy() -> Refused:
    return Refused(
        "M516", "Another run is at work.", cure="Wait until it has finished: `matricula status`."
    )
