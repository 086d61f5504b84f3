"""The refusals of the register as a connected system, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M981": Code(
        "The register has no such resource, or says it itself",
        "What the register owns is changed by its own acts; nothing flows into it.",
        "Point the flow at one of the resources that the register is told.",
    ),
    "M982": Code(
        "The register's table has no such field",
        "A flow grants a field that is not there.",
        "Grant one that is.",
    ),
    "M983": Code(
        "A value does not fit the register's table",
        "It is empty where it says which row is meant, or of another type.",
        "Correct it at its owner, or the flow's expression.",
    ),
    "M984": Code(
        "The row is gone from the register's table",
        "Somebody removed it behind Matricula's back.",
        "Nothing: the next full run sees it.",
    ),
    "M985": Code(
        "The register's database does not answer",
        "It is down or busy; nothing was written.",
        "See that it runs.",
    ),
}
