"""How a database is named and how long it is waited for: for every connector that has one.

A password never stands in the address. A server that says nothing any more, and a table that
somebody else has locked, hold a run for less than a minute.
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import sqlalchemy as sa
from pydantic import AfterValidator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

# Without these a connection that was cut in silence is waited for as long as two hours.
_SILENCE = {
    "connect_timeout": "10", "keepalives_idle": "20", "keepalives_interval": "5",
    "keepalives_count": "4", "tcp_user_timeout": "40000",
}  # fmt: skip
_LOCK_SECONDS = 15


def bounded(url: URL) -> URL:
    """Say in a PostgreSQL URL how long a silence may last; what stands there already wins."""
    return url.update_query_dict({n: v for n, v in _SILENCE.items() if n not in url.query})


def waits_shortly(engine: sa.Engine) -> sa.Engine:
    """Have every transaction of a PostgreSQL engine wait for locks no longer than others can."""

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # Below SQLAlchemy, which would open a cursor of the server's for it in a streaming read.
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(lock_timeout())

    return engine


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
