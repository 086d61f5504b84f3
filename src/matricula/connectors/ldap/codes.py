"""The refusals that only directories have, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M740": Code(
        "The directory cuts listings off",
        "It gives our account so many entries and no more. Half of a listing would read as if "
        "the other half had left, so nothing of it is taken.",
        "Have the account exempted from the limit, as the connector's page says.",
    ),
    "M741": Code(
        "The directory is a copy",
        "It answers a write with the address of another directory, which takes writes.",
        "Write the address of that one into `url`.",
    ),
    "M742": Code(
        "A branch is not there",
        "A branch that the settings name does not exist, or our account may not see it; a "
        "directory tells neither from the other.",
        "Correct the name of the branch, have it made, or have us granted to read it.",
    ),
    "M743": Code(
        "The schema lacks something",
        "The directory does not know an object class or an attribute that the settings need, or "
        "does not show its schema or its identifiers to our account.",
        "Have the schema or the overlay loaded, or correct the settings.",
    ),
    "M744": Code(
        "Part of a branch lies elsewhere",
        "The directory refers to another one for a part of the branch. References are not "
        "followed: they may lead to any host.",
        "Connect the other directory as a system of its own.",
    ),
}
