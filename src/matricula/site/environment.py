"""Every variable of the environment that Matricula reads, for the reference.

A variable that is not listed here is not read; a test compares the list with the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: what it says, and what counts when it is not set."""

    meaning: str
    default: str


VARIABLES: Mapping[str, Variable] = {
    "MATRICULA_ACTOR": Variable(
        "Who acts, for the audit, where commands are run by a service.",
        "the name of the operating system's user",
    ),
    "MATRICULA_API_URL": Variable(
        "The address under which other systems reach what is served, as in "
        "`https://roster.example.org`; references in what is served begin with it.",
        "only this machine is answered",
    ),
    "MATRICULA_AUDIT_KEY": Variable(
        "Where the key is that signs the audit's checkpoints: `file:PATH` or `env:NAME`.",
        "checkpoints are refused",
    ),
    "MATRICULA_CHARTER": Variable("The folder of the charter; `--charter` wins.", "`./charter`"),
    "MATRICULA_DATABASE_PASSWORD": Variable(
        "The database's password, where it should not stand in the URL.",
        "the one in `MATRICULA_DATABASE_URL`",
    ),
    "MATRICULA_DATABASE_URL": Variable(
        "The database: `postgresql://user@host:5432/name` or `sqlite:///path`.",
        "SQLite in the home",
    ),
    "MATRICULA_DEMO_KOHA_PASSWORD": Variable(
        "Of the demonstration's library. `matricula demo --stay` prints it and the next six.",
        "a new one for each demonstration",
    ),
    "MATRICULA_DEMO_KOHA_USER": Variable(
        "The account there.",
        "`matricula`",
    ),
    "MATRICULA_DEMO_LAW_PASSWORD": Variable(
        "Of the demonstration's Law Library.",
        "a new one for each demonstration",
    ),
    "MATRICULA_DEMO_LAW_USER": Variable(
        "The account there.",
        "`term1`",
    ),
    "MATRICULA_DEMO_LDAP_PASSWORD": Variable(
        "Of the demonstration's directory, where there is one.",
        "a new one for each demonstration",
    ),
    "MATRICULA_DEMO_MOODLE_TOKEN": Variable(
        "Of the demonstration's Moodle.",
        "a new one for each demonstration",
    ),
    "MATRICULA_DEMO_SCIM_TOKEN": Variable(
        "Of the demonstration's identity provider.",
        "a new one for each demonstration",
    ),
    "MATRICULA_HOME": Variable(
        "The folder for the embedded database, snapshots and runs.", "`./.matricula`"
    ),
    "MATRICULA_LEASE_SECONDS": Variable(
        "On PostgreSQL: for how long a worker that was killed keeps others from the systems it "
        "was writing to.",
        "60",
    ),
    "MATRICULA_MAIL_AT": Variable(
        "When the daily letter to each office is written, by the institution's clock.", "`07:00`"
    ),
    "MATRICULA_MAIL_FROM": Variable(
        "The address that letters to the offices come from.", "none; needed with a mail server"
    ),
    "MATRICULA_SECRET_KEY": Variable(
        "Django's key for signing. No page is served yet, so nothing is signed with it.",
        "a fixed word",
    ),
    "MATRICULA_SMTP_PASSWORD": Variable(
        "The mail server's password.", "the one in `MATRICULA_SMTP_URL`"
    ),
    "MATRICULA_SMTP_URL": Variable(
        "The mail server: `smtp://user@host:587` (with STARTTLS; `?starttls=no` without) or "
        "`smtps://user@host`.",
        "no letter is sent",
    ),
}
