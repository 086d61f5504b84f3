"""The refusals of the curriculum, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M921": Code(
        "There is no such programme, module, term or section",
        "What is registered for, enrolled in or taught must be in the curriculum first.",
        "Correct the code, or add it to the curriculum.",
    ),
    "M922": Code(
        "The curriculum has it already, or says otherwise for that time",
        "Codes stay for ever, and of the versions of one thing a single one holds at a time.",
        "Choose another code, or days and cohorts that no other version claims.",
    ),
    "M923": Code(
        "The requirements cannot be read",
        "A curriculum's requirements are a tree of `all_of`, `any_of`, `choose`, `credits` and "
        "`module`; the place names the one that is wrong.",
        "Correct the file at that place.",
    ),
    "M924": Code(
        "The requisites cannot be read",
        "They are an expression of `passed(M)`, `passed(M, mark)`, `enrolled(M)`, `permission`, "
        "`and`, `or`, `not` and parentheses; the message names the character.",
        "Correct the expression there.",
    ),
    "M925": Code(
        "The dates of a term do not go together",
        "Each date has its place after another, and refund bands give back less and less.",
        "Correct the dates that the message names.",
    ),
    "M926": Code(
        "A section cannot be changed so",
        "A section goes from planned to open, closed and finished; its seats are never fewer "
        "than are taken, nor more than its rooms have.",
        "Do what the message says clears it.",
    ),
    "M927": Code(
        "A section cannot meet then or there",
        "A meeting lies within its term, and a room holds one section at a time.",
        "Choose another time or another room.",
    ),
    "M928": Code(
        "The past of a term would be rewritten without a reason",
        "Charges, refunds and counts were made by those dates. They are changed for a reason "
        "that stays on record, and a second person agrees (M909).",
        "Give the reason with --why and the account of who agreed with --approver.",
    ),
    "M929": Code(
        "What was told of the curriculum cannot be",
        "A code or a title is empty, a number is negative, or a time zone does not exist.",
        "Correct the value that the message names.",
    ),
}
