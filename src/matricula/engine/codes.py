"""The refusals of the engine, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M401": Code(
        "A source is empty",
        "A source without a single record is a fault, never an order to remove everything.",
        "Have the source deliver its records again, or say in its settings that it may be empty.",
    ),
    "M402": Code(
        "A control total disagrees",
        "The source states how many records it holds, and a different number arrived.",
        "Have the source delivered again, whole.",
    ),
    "M403": Code(
        "A field is missing from a source",
        "The charter names a field that the source does not have (any longer).",
        "Put the field back in the source, or change the owner of the field in the charter.",
    ),
    "M404": Code(
        "Two records claim one key",
        "The roster decides who exists, so a key may stand in it once only.",
        "Correct the source so that every key stands on one record.",
    ),
    "M405": Code(
        "A record has no key",
        "A record of the roster without its key cannot be told from any other.",
        "Fill the key in at the source.",
    ),
    "M406": Code(
        "Two fields of a source differ by capitals alone",
        "SQL cannot tell such names apart, so the wrong field would be read silently.",
        "Rename one of the two fields in the source.",
    ),
    "M407": Code(
        "Identifiers were re-issued",
        "Most known identifiers are gone and as many unknown ones are there: the same people "
        "under new numbers, not leavers and joiners.",
        "Restore the old identifiers at the source. A file that holds only the day's records "
        "must hold the earlier ones too. If the identifiers did change for good, tell the old and "
        "the new ones with `matricula matches rekey ENTITY --file`. Without such a list, remove "
        "the files in `snapshots/SYSTEM.RESOURCE` of the home: the next reading is judged without "
        "it, so look at that plan with care.",
    ),
    "M408": Code(
        "Leading zeros are lost",
        "Known identifiers came back without their leading zeros, as a spreadsheet leaves them.",
        "Export the source again as text, without opening it in a spreadsheet.",
    ),
    "M409": Code(
        "Values became dates",
        "Values such as 10-20 came back as dates, as a spreadsheet leaves them.",
        "Export the source again as text, without opening it in a spreadsheet.",
    ),
    "M410": Code(
        "A value is not of its type",
        "The owner states a value that is not of the type the charter gives the field. The "
        "record is set aside; nothing is guessed.",
        "Correct the value at its owner, or the type in the charter.",
    ),
    "M412": Code(
        "Two records of one system claim one key",
        "Which of them is the right one is for a person to decide.",
        "Correct or merge the records in that system.",
    ),
    "M414": Code(
        "The data is not as expected",
        "The charter states what an owner's data should say, and some records say otherwise. "
        "They are delivered as they are; nothing is repaired.",
        "Correct the records at their owner, or the expectation in the charter.",
    ),
    "M415": Code(
        "Many known records are gone",
        "More than a quarter of the identifiers of the last reading are not in this one. That "
        "may be right, and no flow is held by it; the guards count what would leave. A flow "
        "that leaves its copies alone has nothing to count, so this is told for two days.",
        "If so many did leave, nothing. If not, have the source delivered again, whole, and "
        "agree a control total with whoever makes it.",
    ),
    "M501": Code(
        "Too many exits",
        "The plan would suspend or delete more copies than the charter's guard allows.",
        "Look at the plan. If the owner is right, raise the guard in the charter and sign it.",
    ),
    "M502": Code(
        "Too many creations",
        "The plan would create more copies than the charter's guard allows.",
        "Look at the plan. If the owner is right, raise the guard in the charter and sign it.",
    ),
    "M503": Code(
        "Too many changes",
        "The plan would change more copies than the charter's guard allows.",
        "Look at the plan. If the owner is right, raise the guard in the charter and sign it.",
    ),
    "M504": Code(
        "A calendar window holds the flow",
        "The charter's calendar freezes this flow, or allows it additions only, on this day.",
        "Wait until the window ends, or change the calendar and sign it.",
    ),
    "M505": Code(
        "Several copies match one record",
        "The match rule finds more than one record in the target, or one for two keys.",
        "Merge or correct the records in the target so that one is left.",
    ),
    "M506": Code(
        "A copy is gone from the target",
        "Somebody removed the copy there, and the flow reports such edits, it does not undo them.",
        "Decide in the target, or let the flow restore (`on_drift: restore`).",
    ),
    "M507": Code(
        "A value cannot be computed",
        "An expression of the flow has no value for this record: a number is too large, say, or "
        "divided by zero. The record is set aside and its copy stays as it is; all others go on.",
        "Correct the value at its owner, or write the expression so that it allows for it, as "
        "`nullif(terms, 0)` does in a division.",
    ),
    "M509": Code(
        "A refusal was accepted",
        "The target refused the record, and the office that answers for it lets the copy stay as "
        "it is until the record or the flow changes, or until the day it named.",
        "Nothing. `matricula incidents --all` and the audit say who accepted it and why.",
    ),
    "M555": Code(
        "A record may go on under another key",
        "One key left its owner and another joined on the same day, and the fields named in "
        "`matching:` agree so far that it is hardly chance. It may be one person under a new "
        "number; followed as it stands, every copy would leave and be made a second time. So "
        "both keys, and records whose keys hold them, stay as they are until it is decided. "
        "The same goes for a new key that a steward told and that its owner does not show yet.",
        "See `matricula matches` and the records; say `matricula matches same N --why ...`, "
        "and the copies go on under the new key, or `different N --why ...`, and one leaves "
        "and the other joins.",
    ),
    "M508": Code(
        "A copy cannot be looked up before it is made",
        "Before a copy is made one looks whether it is there. The values that the match rule "
        "would look for are blank for this record, so nobody could tell, and none is made.",
        "Have the value filled in at its owner, or match by one that every record has.",
    ),
}
