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
    "M491": Code(
        "An earlier reading stands in",
        "A source is away, and the charter lets a flow use its last trusted reading for as "
        "long as `use_snapshot_for` says. What changed there since is not known yet.",
        "Bring the system back; its next reading replaces the earlier one.",
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
    "M521": Code(
        "An approval has no ground",
        "Whoever lets a plan go beyond a guard says why; the audit keeps it.",
        "Approve again with `--why`.",
    ),
    "M522": Code(
        "Nobody approves their own plan",
        "The account that made a plan asks to approve it. Two people look at what goes beyond "
        "a guard.",
        "Have somebody else of the office look at the plan and approve it.",
    ),
    "M523": Code(
        "There is nothing for this office to approve",
        "An approval raises the guard of a flow for one plan. The plan has no flow that a "
        "guard holds and that the office answers for.",
        "Approve as the office that the refusal names.",
    ),
    "M524": Code(
        "There is nothing to undo",
        "The run is not known, or wrote nothing in a flow that the charter still has.",
        "See `matricula runs` for what each run did.",
    ),
    "M525": Code(
        "A flow waits since its run was undone",
        "What a run did was put back. The next pass would do it again, so the flow is held.",
        "Correct what made it wrong, then run `matricula release FLOW --why ...`.",
    ),
    "M526": Code(
        "A copy cannot be put back",
        "Something touched the copy after the run that is undone, or the charter lets no copy "
        "leave that the run had made. Later truth is not overwritten.",
        "Look at the copy with `matricula explain` and correct it at its owner.",
    ),
    "M527": Code(
        "A flow cannot be released",
        "No undone run holds it, or no ground was given.",
        "See `matricula status` for what holds it, and say why with `--why`.",
    ),
    "M528": Code(
        "SQLite takes one worker",
        "A second worker was started on a SQLite database, which one process at a time writes.",
        "Let the first one work, or keep the state in PostgreSQL, which takes any number.",
    ),
    "M529": Code(
        "A run outlived its lease",
        "The machine slept, or could not reach the database, for longer than a run's lease "
        "lasts. Another run may have taken its systems over, so it stopped before it wrote "
        "anything more.",
        "Nothing to do by hand: the next run looks up what this one had sent. Where it happens "
        "often, set MATRICULA_LEASE_SECONDS higher.",
    ),
    "M530": Code(
        "An edit cannot be accepted",
        "What may stand for a while is a value that a full pass saw in a field of a copy; the "
        "office that hears the flow's errors, or the target's, says so, with a ground and a "
        "day that is still to come.",
        "See `matricula drift`, and name flow, key and field as it does.",
    ),
    "M540": Code(
        "There is no such open incident",
        "It was never opened, or is over by now.",
        "See `matricula incidents` for the numbers of those that are open.",
    ),
    "M541": Code(
        "An incident is another office's",
        "Only the office that an incident belongs to answers it, or the one that it was escalated "
        "to.",
        "Have the office that the refusal names do it.",
    ),
    "M542": Code(
        "An answer lacks its ground, or its day has passed",
        "Whoever puts an incident off or lets it stand says why, and until a day to come.",
        "Say why with `--why`, and name a day to come with `--until`.",
    ),
    "M543": Code(
        "There is no refusal to accept",
        "What can be accepted is that a target refused one record. Anything else is put off.",
        "Put it off with `matricula incidents postpone`, or see to what it says.",
    ),
    "M550": Code(
        "Records may be one person",
        "Their fields agree so far that it is hardly chance, and nothing that identifies says "
        "so. What looks alike is never linked by itself.",
        "Look at `matricula matches` and at the records; say `matricula matches same N --why ...` "
        "or `different N --why ...`. It is remembered.",
    ),
    "M551": Code(
        "Two records of one system are one person",
        "A steward said so. Two records of one source are never merged from outside it.",
        "Merge them in that system; the next pass sees it.",
    ),
    "M552": Code(
        "There is no such match case",
        "No case has this number.",
        "Use a number that `matricula matches` lists.",
    ),
    "M553": Code(
        "A match case cannot be decided so",
        "It is decided already, is another system's to settle, or would make one record two "
        "people.",
        "See `matricula matches show N`; `matricula matches undo N` takes a decision back.",
    ),
    "M554": Code(
        "A record cannot go on under this number",
        "There is nothing under the old number, the new one has copies of its own, or a write "
        "of which nobody knows the outcome is still open.",
        "Check both numbers with `matricula explain`; `matricula sync` settles what is open.",
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
        "A system is away, or cannot be used as it is",
        "It did not answer or asked for patience, or by its own word our account lacks something "
        "there. The work waits as a difference.",
        "Have granted what is named; otherwise nothing, unless it lasts.",
    ),
    "M654": Code(
        "A connector failed",
        "Something happened while a resource was read that its connector does not foresee. Its "
        "flows are held; all others go on.",
        "Report it to whoever maintains the connector.",
    ),
    "M655": Code(
        "A copy is not ours to delete",
        "Its owner says that the record leaves and the flow deletes on exit, but the copy was "
        "in the target before Matricula came. Only what was made here is deleted.",
        "Delete it in the target, or keep it there; it is not asked for again until the flow "
        "or the record changes.",
    ),
    "M656": Code(
        "Nothing says which record it is",
        "An outcome is unknown, and every value that the match rule would look the record up "
        "by is blank. To look for a blank would find a stranger's record.",
        "Give the record what the match rule asks for at its owner, or look in the target.",
    ),
    "M657": Code(
        "The charter and a system do not fit",
        "The system does not have a resource or a field that the charter names, has it of "
        "another type, does not let it be written, or requires one that no flow grants. "
        "`check --live` and every full pass ask; the flow is held, and no other.",
        "Correct the name or the type in the charter, or the system.",
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
    "M662": Code(
        "What was taken out is there again",
        "A record that the flow deleted stands in the target again as it was: the system was put "
        "back from a backup, or somebody made it anew. Nothing says that it is ours to delete.",
        "Delete it in the system if it has no place there; the next full pass sees that.",
    ),
    "M670": Code(
        "The mail server is away",
        "Letters to the offices could not be handed over for two hours. Nothing is lost: what is "
        "open is written when the server takes letters again.",
        "Bring the server back, or correct MATRICULA_SMTP_URL.",
    ),
    "M671": Code(
        "A letter was refused",
        "The mail server would not take a letter to an office, or the charter gives no address.",
        "Correct the office's `notify` in the charter, or what the mail server allows.",
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
    "M590": Code(
        "The charter has no register of ours",
        "Acts on the register need a system that is the register.",
        "Add a system with `connector: register`.",
    ),
    "M592": Code(
        "A channel took no message",
        "Where an office talks, a message was refused, or what the charter refers to is no "
        "Apprise URL. Nothing is lost: letters go on, and the channel is tried again.",
        "Correct the URL that `channel` of the office refers to, or what the service allows.",
    ),
    "M593": Code(
        "A channel is away",
        "Messages to where an office talks could not be handed over for two hours. What is open "
        "is told when it is back.",
        "Bring the service back, or correct the URL that `channel` of the office refers to.",
    ),
    "M594": Code(
        "A subscription has ended",
        "Whoever is told of events answered that nobody is there any more (HTTP status 410). "
        "Nothing is posted to it until the charter names another address or secret.",
        "Take `subscribes:` out of the charter, or correct its address.",
    ),
    "M595": Code(
        "An event was given up",
        "A subscriber did not take an event in three days of attempts. Later events are posted "
        "all the same; this one is not posted again.",
        "Look at what receives events there; `matricula webhooks` says what it answered.",
    ),
    "M596": Code(
        "An announcement bears no signature that counts",
        "A system may say where to look if it signs what it says with its secret, by a clock "
        "that is right within five minutes. Anything else is refused and stands in the audit, "
        "without what it said; after ten in a minute nothing is even written down.",
        "Give both sides one secret, and set their clocks.",
    ),
    "M597": Code(
        "An announcement is not understood",
        "A rightly signed message is no CloudEvent, is too large, or names a record or a flow "
        "that is not its sender's to name.",
        "Send a CloudEvent in structured JSON whose subject is `ENTITY/KEY` or `flow/NAME`.",
    ),
    "M598": Code(
        "Too many announcements",
        "A system said where to look more often in a minute than looking is of use. Nothing is "
        "lost: its records are read by the flows' own cadence.",
        "Send it again after the seconds that the answer names, and fewer at a time.",
    ),
    "M599": Code(
        "Nobody who may announce",
        "The address names no system that the charter lets say where to look.",
        "Correct the address, or add `announces:` to the system in the charter.",
    ),
    "M591": Code(
        "A record was read without a grant",
        "Breaking the glass is allowed to staff with a ground, and is always told.",
        "Look at the ground and ask whoever did it.",
    ),
}
