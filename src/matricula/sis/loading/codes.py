"""The refusals of loading, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M991": Code(
        "The bundle cannot be read",
        "A bundle has the tables and columns of the reference and no others; what is not "
        "understood is not guessed at.",
        "Correct the name of the table or the column.",
    ),
    "M992": Code(
        "A value cannot be taken",
        "A row is taken as it is or not at all: a value that is missing, is written wrongly or "
        "breaks a rule is not repaired.",
        "Correct the row at its source and load again; what was taken stays as it is.",
    ),
    "M993": Code(
        "A row names what is not there",
        "What a row names must be in the register, or in the bundle and taken.",
        "Add it to the bundle, or correct the name.",
    ),
    "M994": Code(
        "A row or a number stands twice",
        "A key names one row, and a number one person for ever.",
        "Keep one of the rows, or merge the persons if they are one.",
    ),
    "M995": Code(
        "A history is not legal",
        "What happened must lead from state to state by the rules. A history is taken whole or "
        "not at all.",
        "Give the events that are missing, or correct their days.",
    ),
    "M996": Code(
        "It is there already, and different",
        "A load adds what is not there. It never changes what is.",
        "Correct it in the register by the ordinary command, or at the source.",
    ),
    "M997": Code(
        "Somebody may be there already",
        "Persons are matched by numbers alone. Whoever looks like somebody waits for a person's "
        "decision.",
        "Give the person who it is the number of the row, or say that it is somebody new.",
    ),
    "M998": Code(
        "Records are made up in an empty register alone",
        "People who do not exist must not stand among those who do.",
        "Set MATRICULA_HOME or MATRICULA_DATABASE_URL to a place of its own.",
    ),
    "M999": Code(
        "The mapping cannot be read",
        "It names for each table of a bundle the file and for each field the column; the place "
        "says which line is wrong.",
        "Correct it there.",
    ),
}
