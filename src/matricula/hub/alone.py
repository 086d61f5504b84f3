"""Who may write to which system: one run at a time for each, whoever and wherever it is.

On PostgreSQL a run claims the systems that it may write to. A claim is a lease: renewed
while its run lives, and free again soon after it died, so that another worker takes over.
SQLite has one run at a time, and one worker, by locks on files.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from matricula.hub.desk import Desk

_LOCK = 0x6D617472  # "matr": the hub's own number among PostgreSQL's advisory locks
_MAKE = (
    "INSERT INTO hub_lease (name, holder, until) VALUES (%s, '', 'epoch') ON CONFLICT DO NOTHING"
)
_CLAIM = """
UPDATE hub_lease SET holder = %s, until = clock_timestamp() + %s * interval '1 second'
WHERE name IN (
    SELECT name FROM hub_lease WHERE name = ANY(%s) AND until < clock_timestamp()
    ORDER BY name FOR UPDATE SKIP LOCKED
)
"""
_RENEW = """
UPDATE hub_lease SET until = clock_timestamp() + %s * interval '1 second'
WHERE holder = %s AND until >= clock_timestamp()
"""
# Whoever would take over waits until the transaction that asked has ended.
_FENCE = """
SELECT 1 FROM hub_lease WHERE name = %s AND holder = %s AND until >= clock_timestamp() FOR SHARE
"""
_FREE = "UPDATE hub_lease SET holder = '', until = 'epoch' WHERE holder = %s"
_FORGET = "DELETE FROM hub_lease WHERE name = %s"


_WORKER = "worker:"


def _always() -> bool:
    return True


def _sure() -> AbstractContextManager[bool]:
    return nullcontext(enter_result=True)


def _nobody_else(system: str) -> None:
    """Let everything pass: a lock on a file is not lost while its process lives."""
    del system


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write to some systems.

    Attributes:
        holder: Who has it, in the database's words.
        holds: Whether it still has, by this machine's clock; asked right before a call.
        fence: The same by the database's clock, for one system and within a transaction:
            nobody takes over before that ends. Refuses a run that was thought dead (M529).
        alone_at_home: Tells whether no other run works in the same home, and keeps it so while
            inside: for tidying up, and no longer, because whoever comes waits meanwhile.
    """

    holder: str
    holds: Callable[[], bool] = _always
    fence: Callable[[str], None] = _nobody_else
    alone_at_home: Callable[[], AbstractContextManager[bool]] = _sure


@contextmanager
def in_turn(number: int) -> Iterator[None]:
    """Hold one of PostgreSQL's advisory locks, waiting for it; SQLite needs none."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK + number])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK + number])


def one_at_a_time() -> AbstractContextManager[None]:
    """Let commands that find an older PostgreSQL database bring it up to date in turn."""
    return in_turn(1)


def scheduling() -> AbstractContextManager[None]:
    """Let one worker at a time decide what is due and who does it."""
    return in_turn(2)


@contextmanager
def claimed(desk: Desk, systems: Collection[str]) -> Iterator[Claim]:
    """Be the only run that may write to some systems while inside.

    Raises:
        Refused: Another run is at work there (M516).
    """
    desk.home.mkdir(parents=True, exist_ok=True)
    if connection.vendor == "postgresql":
        with _leased(systems) as lease, _opened(desk.home / "run.lock") as lock:
            yield Claim(lease.holder, lease.holds, lease.fence, partial(_alone, lock))
        return
    # Where the truth is: whoever shares the database shares the lock, whatever their homes. And
    # in the home, whose files one run alone may sweep.
    with _held(_beside_the_database("run")), _held(desk.home / "run.lock"):
        yield Claim(_name())


@contextmanager
def as_worker() -> Iterator[None]:
    """Be a worker: one of any number on PostgreSQL, where each is counted; the only one on SQLite.

    Raises:
        Refused: There is another on a SQLite database (M528).
    """
    if connection.vendor == "postgresql":
        with _leased((), holder=f"{_WORKER}{_name()}"):
            yield
        return
    try:
        with _held(_beside_the_database("worker")):
            yield
    except Refused as error:
        raise Refused(
            "M528",
            "Another worker is at work on this database, and SQLite takes one alone.",
            cure="Let that one work, or keep the state in PostgreSQL for many workers.",
        ) from error


def workers() -> int:
    """Count the workers that are alive, at least one."""
    if connection.vendor != "postgresql":
        return 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM hub_lease WHERE name LIKE %s AND until >= clock_timestamp()",
            [f"{_WORKER}%"],
        )
        return max(int(cursor.fetchone()[0]), 1)


def free(systems: Iterable[str]) -> set[str]:
    """Tell which systems nobody works at just now; on SQLite whoever asks has all of them."""
    names = set(systems)
    if connection.vendor != "postgresql":
        return names
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM hub_lease WHERE name = ANY(%s) AND until >= clock_timestamp()",
            [sorted(names)],
        )
        return names - {row[0] for row in cursor.fetchall()}


def living() -> list[str] | None:
    """Name the holders whose leases run; None on SQLite, where the caller is the only one."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT holder FROM hub_lease WHERE until >= clock_timestamp()")
        return [row[0] for row in cursor.fetchall()]


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"


@dataclass(slots=True)
class _Lease:
    """A lease that renews itself; `holds` goes by this machine's own clock."""

    systems: Collection[str]
    seconds: float
    holder: str
    good_until: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    def holds(self) -> bool:
        return time.monotonic() < self.good_until

    def fence(self, system: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_FENCE, [system, self.holder])
            if cursor.fetchone() is None:
                raise overtaken()

    def take(self) -> bool:
        """Claim all of the systems, or none."""
        # Its own name too: a run that may write nowhere is alive all the same.
        names = sorted({*self.systems, self.holder})
        asked = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(_MAKE, [(name,) for name in names])
            cursor.execute(_CLAIM, [self.holder, self.seconds, names])
            if cursor.rowcount < len(names):
                transaction.set_rollback(True)
                return False
        self.good_until = asked + self.seconds
        return True

    def renew(self) -> None:
        """Renew until told to stop; a database that is away is asked again in time."""
        while not self.ended.wait(self.seconds / 4):
            asked = time.monotonic()
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute(_RENEW, [self.seconds, self.holder])
                if cursor.rowcount and self.holds():
                    self.good_until = asked + self.seconds
        connection.close()

    def give_back(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_FREE, [self.holder])
            cursor.execute(_FORGET, [self.holder])


@contextmanager
def _leased(systems: Collection[str], *, holder: str = "") -> Iterator[_Lease]:
    lease = _Lease(systems, settings.LEASE_SECONDS, holder or _name())
    if not lease.take():
        raise _busy()
    renewing = threading.Thread(target=lease.renew, daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        lease.ended.set()
        renewing.join()
        with suppress(DatabaseError):
            # What cannot be given back now ends by itself.
            lease.give_back()


@contextmanager
def _alone(lock: int) -> Iterator[bool]:
    """Have the home for oneself if nobody else is there; share it before and afterwards."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(lock, fcntl.LOCK_SH)


def _beside_the_database(what: str) -> Path:
    # By whichever link the database is reached.
    path = Path(connection.settings_dict["NAME"]).resolve()
    return path.with_name(f"{path.name}.{what}.lock")


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # Never through a link: opening must not empty or make a file elsewhere.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with _opened(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy() from error
        yield


def overtaken() -> Refused:
    """Say that a run may no longer write."""
    return Refused(
        "M529",
        "This run was thought dead, for its lease had run out; another may be at work by now.",
        cure="Nothing to do by hand: whoever is next looks up what it had sent.",
    )


def _busy() -> Refused:
    return Refused(
        "M516", "Another run is at work.", cure="Wait until it has finished: `matricula status`."
    )
