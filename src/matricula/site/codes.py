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
    "M805": Code(
        "The home cannot be used",
        "Matricula keeps its state, snapshots and runs in the home, and the folder cannot be "
        "made or written.",
        "Name a folder of your own in MATRICULA_HOME, or have this one made writable.",
    ),
    "M806": Code(
        "The database cannot be used",
        "It does not answer, refuses the account, or is none of Matricula's.",
        "See that the server runs and that MATRICULA_DATABASE_URL names it rightly.",
    ),
    "M807": Code(
        "The database belongs to a newer version",
        "A version of Matricula that this one does not know has changed its tables. An older one "
        "would not keep to what they now mean.",
        "Use the newer version on every machine, or restore the backup made before it.",
    ),
    "M808": Code(
        "Others can look into the home or the database",
        "What lies there is personal. What Matricula makes itself is its owner's alone; this was "
        "made by somebody else, or by an older version.",
        "Run the `chmod` that the line names. Nothing is refused meanwhile.",
    ),
    "M809": Code(
        "Nothing was kept yet",
        "A command that only tells what is known was asked in a place where Matricula never "
        "ran, or in the wrong one. It makes nothing, and does not answer for an empty home.",
        "Go to the folder where Matricula runs, or name its home in MATRICULA_HOME.",
    ),
    "M810": Code(
        "A file cannot be written",
        "The file that a command was asked to write cannot be made or changed. Nothing else was "
        "done either.",
        "Name a file in a folder that is there and that this account may write in.",
    ),
    "M820": Code(
        "The mail server's URL is not understood",
        "It names no server, or begins with something else than `smtp` or `smtps`.",
        "Write `smtp://user@host:587`, whose connection is encrypted by STARTTLS, or "
        "`smtps://user@host`; `?starttls=no` for a server that has no encryption.",
    ),
    "M821": Code(
        "A setting for letters is missing or not understood",
        "Whom letters come from must be said, and when the daily one is written is a time.",
        "Set MATRICULA_MAIL_FROM to an address; write MATRICULA_MAIL_AT as in 07:00.",
    ),
    "M822": Code(
        "The metrics cannot be served there",
        "They are served to this machine alone unless somebody decides otherwise: whoever reads "
        "them learns how many records there are, and nobody is asked who they are.",
        "Name a free port of this machine, as in 127.0.0.1:9464; `--metrics-anywhere` allows "
        "another address, behind a firewall.",
    ),
    "M899": Code(
        "Something was not foreseen",
        "An error of Matricula itself, or of what it stands on. What was done before it is "
        "recorded and safe; the next run goes on from there.",
        "Report it with the trace in the file that the message names, `errors/` in the home. "
        "The file holds no values of variables, but the words of the error may name one.",
    ),
}
