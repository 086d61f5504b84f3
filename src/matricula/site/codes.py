"""What the settings and the command line refuse, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M801": Code(
        "The database's URL is not understood",
        "Matricula keeps its state on SQLite or on PostgreSQL, and the URL names neither.",
        "Write `postgresql://user@host:5432/name` or `sqlite:///path`, or leave it out.",
    ),
    "M802": Code(
        "SQLite is too old",
        "Work is claimed and confirmed in sets, with statements that older versions do not have.",
        "Use a Python whose SQLite is new enough, or PostgreSQL.",
    ),
    "M803": Code(
        "A secret is not there",
        "The charter or the environment refers to a secret that cannot be fetched, or that is "
        "empty.",
        "Set the variable, or make the file readable for the account that runs Matricula.",
    ),
    "M804": Code(
        "The demonstration's SCIM server does not start",
        "The demonstration runs against a real SCIM server, which comes with the development "
        "dependencies.",
        "Run it as `make demo`, which installs what it needs.",
    ),
}
