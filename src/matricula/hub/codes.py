"""The refusals of the hub, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M490": Code(
        "A kept snapshot is damaged",
        "What a source held last time lies in the home, and a new reading is judged by it. A "
        "file whose bytes were changed or cut cannot vouch for anything.",
        "Restore the file from a backup, or remove it and look at the next plan with care.",
    ),
    "M510": Code(
        "A flow is not signed",
        "A flow applies only when the steward of every owner whose fields it carries and the "
        "steward of its target have signed its present text.",
        "Have each named office run `matricula sign --as OFFICE`.",
    ),
    "M511": Code(
        "A plan has moved",
        "Between showing and applying, a source, a target or a link changed, so that the "
        "plan would no longer do what was shown.",
        "Make a new plan, look at it, and apply that one.",
    ),
    "M512": Code(
        "A plan was applied already",
        "A plan is carried out once.",
        "Make a new plan; it shows what is still to do.",
    ),
    "M513": Code(
        "There is no such plan",
        "No stored plan has this digest.",
        "Run `matricula plan` and use the digest it prints.",
    ),
    "M514": Code(
        "A source cannot be read",
        "A flow is planned only from what every owner of its fields says today.",
        "See what the system answered; the flow goes on by itself once it can be read.",
    ),
    "M515": Code(
        "A target cannot be read",
        "A full pass compares every copy with what the target holds.",
        "See what the system answered; the flow goes on by itself once it can be read.",
    ),
    "M516": Code(
        "Another run is at work",
        "Two runs at once would plan from one state and deliver twice.",
        "Wait until it has finished; `matricula status` shows it.",
    ),
    "M517": Code(
        "No such flow, entity or steward",
        "The charter does not know the name.",
        "Use one of the names the message lists.",
    ),
    "M518": Code(
        "A signature is not in the audit",
        "A signature counts only with the sealed entry that was made when the office signed. A "
        "row in the table of signatures alone could have been written by anybody.",
        "Find out who wrote to the database, verify the audit, and have the office sign again.",
    ),
    "M519": Code(
        "Several plans are meant",
        "More than one stored plan begins with these characters.",
        "Write more of the digest.",
    ),
    "M520": Code(
        "A field passes to another owner",
        "The charter names another system for a field than the one that owned it when it was "
        "last carried. The office that gives it away must agree, like the one that takes it.",
        "Look at the plan, which shows the values that differ today; then have the office that "
        "the message names run `matricula sign --as OFFICE`.",
    ),
    "M650": Code(
        "A target refused a record",
        "The target would not take the copy as the charter grants it.",
        "Correct the value at its owner or the rule in the target; it is tried again by itself.",
    ),
    "M651": Code(
        "An outcome is unknown",
        "A write was sent and its answer lost. It is settled by reading back, never by "
        "sending again.",
        "Wait for the next run, or look the record up in the target.",
    ),
    "M652": Code(
        "A system is away",
        "It did not answer or asked for patience. The work waits as a difference.",
        "Nothing, unless it lasts; its administrator can say.",
    ),
    "M653": Code(
        "A system refuses us",
        "Credentials or permissions are wrong, so nothing more is sent to it.",
        "Renew the secret that the charter names, or grant the permission.",
    ),
    "M654": Code(
        "A resource cannot be served",
        "The target does not have the resource or does not take such writes.",
        "Correct the resource in the charter or in the system.",
    ),
    "M655": Code(
        "A copy is not ours to delete",
        "Its owner says that the record leaves and the flow deletes on exit, but the copy was "
        "in the target before Matricula came. Only what was made here is deleted.",
        "Delete it in the target, or keep it there; it is not asked for again until the flow "
        "or the record changes.",
    ),
    "M660": Code(
        "A copy was edited in the wrong place",
        "The target holds another value than the one its owner states.",
        "Change the value at its owner. The flow restores or reports, as the charter says.",
    ),
    "M661": Code(
        "Copies are left of a flow that was withdrawn",
        "A flow that is taken out of the charter grants nothing any more, but its copies stay "
        "where they are: a deleted line must not empty a system.",
        "Put the flow back with `where: 'false'`, so that its copies leave under the guard, and "
        "remove it then.",
    ),
    "M720": Code(
        "Copies of a record are still in their targets",
        "A link is how Matricula knows the copy that it made. Forgotten too early, the copy would "
        "stay for ever with nobody to take it out, or be made a second time.",
        "Have the record leave at its owner, so that the flow takes its copies out; what was only "
        "suspended is removed by the target's office. A full pass then sees it.",
    ),
    "M721": Code(
        "A record to be erased is still with its owner",
        "What its owner holds is read again by the next pass, and would be here again.",
        "Have the owner's office remove it, run `matricula sync`, and erase it then.",
    ),
    "M722": Code(
        "The reason for an erasure names the record",
        "Who decided an erasure and why stays in the audit for ever.",
        "Name the ground, such as a date or the number of the request, and nobody.",
    ),
    "M723": Code(
        "A key has another number of parts",
        "A key of several parts is written with all of them, joined by `|`.",
        "Write the key as `matricula plan` shows it.",
    ),
}
