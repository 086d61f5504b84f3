"""What a library behind SIP2 refuses, beyond the refusals of the kit."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M735": Code(
        "Nobody to ask about",
        "SIP2 answers about one person at a time and lists nobody, and the charter names no "
        "list of card numbers to ask about.",
        "Name `patrons_file:` (a file that a flow of the charter may write) or `patrons:`.",
    ),
}
