"""The refusals of holds, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M941": Code(
        "The answer to what was asked for is no",
        "Something was in the way. The answer stands with every check that was made, although "
        "nothing was done: `matricula register hold decisions STUDENT`.",
        "Clear what the message names, at the office it names, and ask again.",
    ),
    "M942": Code(
        "The history of the hold does not allow it",
        "A hold is active, disputed, and in the end released or expired; only what fits into its "
        "history is recorded, with a reason from the list.",
        "See the hold: `matricula register hold list STUDENT`.",
    ),
    "M943": Code(
        "There is no such hold or exemption",
        "A hold is named by the number it got when it was placed.",
        "Look it up: `matricula register hold list STUDENT`.",
    ),
    "M944": Code(
        "Holds do not know this word",
        "Kinds, causes, offices, services, effects and policies come from lists, so that each "
        "has one meaning and a rule.",
        "Use a word from the list.",
    ),
    "M945": Code(
        "A hold that is not whole",
        "A hold of one term says when it expires, a debt says how much and in which currency, "
        "and nothing expires before it begins.",
        "Add what is missing.",
    ),
    "M946": Code(
        "A policy may not go as far",
        "Some effects are not for an institution to choose: no hold keeps a board from deciding, "
        "and in some profiles the law protects a service.",
        "Choose a weaker effect, or the profile that the law of the place allows.",
    ),
    "M947": Code(
        "The same is held already",
        "One claim is one hold. Another system that tells it again changes nothing; a person who "
        "does is told which hold it is.",
        "Release the hold first, then place the new one.",
    ),
}
