"""The refusals of admissions, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M951": Code(
        "There is no such application",
        "An application is named by its number, such as A0000001.",
        "Look the number up.",
    ),
    "M952": Code(
        "The application does not allow it",
        "An application is a walk from state to state; what is put in must fit before and after "
        "it, and a place is taken up only when its offer is fulfilled.",
        "Do first what the message names, choose another day, or reverse what is wrong.",
    ),
    "M953": Code(
        "There is no such offer, condition or act",
        "Conditions and deposits belong to an offer that counts, and only what Admissions did is "
        "taken back by it.",
        "Look at the application.",
    ),
    "M954": Code(
        "Who the applicant is is not settled",
        "Nobody gets a second number, and nobody another person's: a person decides on the "
        "documents whether the applicant is somebody who is there.",
        "Say whom, or that they are new.",
    ),
    "M955": Code(
        "The deposit makes no sense",
        "A payment counts once, by its own reference, in the currency that the offer names.",
        "Correct the reference, the amount or the currency.",
    ),
    "M956": Code(
        "The applicant is a student now",
        "From matriculation on the Registrar's Office records what happens.",
        "Ask the Registrar's Office.",
    ),
}
