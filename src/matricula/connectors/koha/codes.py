"""What a Koha refuses, beyond the refusals of the kit."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M736": Code(
        "The library has something open with this person",
        "Something is on loan or owed, or another person is answered for, so the library "
        "system keeps the patron.",
        "Nothing to do by hand: it is tried again once the library has settled it. Suspend "
        "rather than delete: `on_exit: suspend`.",
    ),
}
