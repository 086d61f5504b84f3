"""The refusals of people, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M931": Code(
        "There is no such person, member of staff or duty",
        "A person is named by the number they were given in the register, a member of staff by "
        "the staff number.",
        "Look the number up.",
    ),
    "M932": Code(
        "Somebody may be there already",
        "A person who is registered twice has two histories. Whoever looks like somebody who is "
        "there is registered only after a person has decided who it is.",
        "Look at the persons that the message names, and say who it is or that it is none of "
        "them.",
    ),
    "M933": Code(
        "The number was given before",
        "A number that a system gave to a person is theirs for ever; whoever else got it would "
        "inherit what was recorded under it.",
        "Take another number, or merge the two persons if they are one.",
    ),
    "M934": Code(
        "This cannot be said of a person",
        "What is written down of a person must hold together: its kind, its words, its days.",
        "Correct what the message names.",
    ),
    "M935": Code(
        "The two cannot be merged, or not parted",
        "A merge says of two persons that they are one: both must be there as themselves, "
        "somebody must say why, and of two student numbers which one goes on.",
        "Do what the message says.",
    ),
    "M936": Code(
        "The duty does not fit",
        "A person is a member of staff once, and has each duty in a department once at a time.",
        "End the other duty first, or say which one is meant.",
    ),
}
