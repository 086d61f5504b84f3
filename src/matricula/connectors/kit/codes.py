"""What connectors refuse, by code: M4xx for what they read, M6xx for what they do."""

from __future__ import annotations

from matricula.kernel.codes import Code

_AGAIN = "Have the export made again and run again; nothing was taken from this one."

CODES: dict[str, Code] = {
    "M411": Code(
        "Control total differs",
        "The source states how many rows or which digest it has, and something else arrived: "
        "the transfer was cut or the file was changed on its way.",
        _AGAIN,
    ),
    "M601": Code(
        "No such connector",
        "The charter names a connector that is not installed.",
        "Use one of the names listed, or install the distribution that brings it.",
    ),
}
