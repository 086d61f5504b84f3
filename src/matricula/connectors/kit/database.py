"""How a database is named and how long it is waited for: for every connector that has one.

A password never stands in the address. A connection that was cut in silence, and a table that
somebody else has locked, hold a run for less than a minute; a server that keeps its connection
and answers nothing, for a quarter of an hour.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import AfterValidator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Without these a connection that was cut in silence is waited for as long as two hours.
_SILENCE = {
    "connect_timeout": "10", "keepalives_idle": "20", "keepalives_interval": "5",
    "keepalives_count": "4", "tcp_user_timeout": "40000",
}  # fmt: skip
_LOCK_SECONDS = 15
_ANSWER_SECONDS = 900.0


def bounded(url: URL) -> URL:
    """Say in a PostgreSQL URL how long a silence may last; what stands there already wins."""
    return url.update_query_dict({n: v for n, v in _SILENCE.items() if n not in url.query})


def waits_shortly(engine: sa.Engine) -> sa.Engine:
    """Have every transaction of a PostgreSQL engine wait for locks no longer than others can."""

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # In a streaming read SQLAlchemy would open a cursor of the server's for it.
        at_once = {"stream_results": False, "yield_per": None}
        connection.exec_driver_sql(lock_timeout(), execution_options=at_once)

    return engine


@contextmanager
def answered_in_time(connection: sa.Connection) -> Iterator[None]:
    """Hang up on a PostgreSQL server that is not done with what is asked inside in time.

    Whoever asks then gets the driver's own error of a lost connection.
    """
    fileno = getattr(connection.connection.driver_connection, "fileno", None)
    if fileno is None:
        yield
        return
    with socket.socket(fileno=os.dup(fileno())) as wire:
        waiting = threading.Timer(_ANSWER_SECONDS, _hang_up, [wire])
        waiting.daemon = True
        waiting.start()
        try:
            yield
        finally:
            waiting.cancel()


def _hang_up(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)


def lock_timeout() -> str:
    """The statement that bounds the waiting for locks until a transaction ends."""
    return f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"


def _must_hide_its_password(text: str) -> str:
    if text.startswith(("env:", "file:")):
        return text
    try:
        url = make_url(text)
    except ArgumentError as error:
        message = "it is neither env:NAME, file:PATH nor a database URL"
        raise ValueError(message) from error
    if url.password is not None:
        message = "the URL holds a password; write it as `password: env:NAME`"
        raise ValueError(message)
    return text


DatabaseUrl = Annotated[str, AfterValidator(_must_hide_its_password)]
