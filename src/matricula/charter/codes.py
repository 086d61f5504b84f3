"""The codes of the charter room: M1xx text and shape, M2xx meaning, M3xx expressions."""

from __future__ import annotations

from matricula.kernel.codes import Code

_ONE_MEANING = "A text that can be read in two ways cannot be signed."

CODES: dict[str, Code] = {
    "M101": Code(
        "The charter's folder is missing",
        "Without its charter Matricula grants nothing.",
        "Name the folder with --charter, or write one with `matricula init`.",
    ),
    "M102": Code(
        "The charter is empty",
        "A folder without charter text grants nothing, which is hardly what was meant.",
        "Write the charter into the folder, or begin with `matricula init`.",
    ),
    "M103": Code(
        "The YAML cannot be read",
        "A file that breaks off or contradicts itself has no certain meaning.",
        "Correct the line, or the quote, bracket or indentation that begins before it.",
    ),
    "M104": Code(
        "A line begins with a tab",
        "YAML counts spaces only; editors show a tab as they like.",
        "Replace the tab by spaces.",
    ),
    "M105": Code(
        "A name is declared twice",
        "Neither declaration wins: which of the two was meant is for a person to say.",
        "Remove or rename one of the two.",
    ),
    "M107": Code(
        "The file is not UTF-8",
        "Names would arrive damaged in other systems.",
        "Save the file as UTF-8.",
    ),
    "M108": Code(
        "An anchor, an alias, a tag or half a character",
        f"What is agreed must stand where it is read. {_ONE_MEANING}",
        "Write the value out.",
    ),
    "M109": Code(
        "Not a map of the charter's keys",
        "A charter file is a map, not nested without end.",
        "Begin the file with one of the charter's keys.",
    ),
    "M110": Code(
        "An unknown key",
        "What is not understood is not ignored: a misspelt limit would be no limit.",
        "Correct the key; the message names the nearest one.",
    ),
    "M111": Code(
        "A key is missing",
        "The charter says nothing about something it must say.",
        "Add the key.",
    ),
    "M112": Code(
        "A value of the wrong kind",
        f"A number is not a text and a list is not a word. {_ONE_MEANING}",
        "Write the kind of value that the message names.",
    ),
    "M113": Code(
        "A value that is not allowed",
        "The key knows only certain words, or the value does not have its form.",
        "Use one of the words, or the form, that the message shows.",
    ),
    "M114": Code(
        "A name that cannot be used",
        "Names stand in expressions and commands, so they are plain words.",
        "Use small letters, digits and underscores, beginning with a letter.",
    ),
    "M115": Code(
        "Not a duration, share, date or time",
        "How long, how much and when must be said exactly.",
        "Write 15m, 5%, 2026-12-14 or 02:00.",
    ),
    "M116": Code(
        "No currency",
        "An amount without a currency is no amount.",
        "Name the currency by its ISO 4217 code.",
    ),
    "M117": Code(
        "No time zone",
        "Dates and times of day are the institution's own.",
        "Use an IANA name, such as Europe/London.",
    ),
    "M118": Code(
        "A list type that is no list of words",
        "A field with a list type holds one of its words, so each is text and stands once.",
        "List every word once; put true, false and numbers in quotes.",
    ),
    "M120": Code(
        "There is a charter already",
        "The starter never writes over what somebody wrote.",
        "Choose an empty folder.",
    ),
    "M201": Code(
        "Two owners for one field",
        "Where two systems may decide, the last one to write decides; nobody agreed to that.",
        "Remove one claim.",
    ),
    "M202": Code(
        "A field without an owner",
        "Nobody answers for its value.",
        "Add `owner:` with the one resource whose value counts.",
    ),
    "M203": Code(
        "Not a connected system",
        "Only a system that the charter declares can own or receive anything.",
        "Declare it under `systems:`, or correct the name.",
    ),
    "M204": Code(
        "No such steward",
        "Every system and every failure belongs to an office that the charter declares.",
        "Declare the office under `stewards:`, or correct the name.",
    ),
    "M205": Code(
        "No such entity",
        "Flows carry, and references lead to, entities that the charter declares.",
        "Declare it under `entities:`, or correct the name.",
    ),
    "M206": Code(
        "A key that its roster does not own",
        "Who decides who exists also owns what identifies.",
        "Make the key of fields owned by the roster.",
    ),
    "M207": Code(
        "An owner's records cannot be recognised",
        "A value is taken only from a record that is known to be the same one.",
        "Say under `found_by:` which fields of the owner spell the key, one for each part.",
    ),
    "M208": Code(
        "Claims that lie within one another",
        "One value cannot be two fields of different type or class, nor a part of itself.",
        "Claim each value once, at the finest level.",
    ),
    "M209": Code(
        "A flow writes to the owner",
        "The owner alone decides; a copy that comes back would overrule it.",
        "Remove the field from the flow, propose it once with `initially:`, or change the owner.",
    ),
    "M210": Code(
        "A question is left open",
        "A flow answers eight questions before it moves anything.",
        "Answer the one that the message names.",
    ),
    "M211": Code(
        "No reason for a field",
        "A copy needs a reason; without purpose nothing moves.",
        "Add `because:`, or do not copy the field.",
    ),
    "M212": Code(
        "No basis for personal data",
        "Personal and sensitive data move only on a stated legal ground.",
        "Add `basis:`, or stop carrying the fields.",
    ),
    "M213": Code(
        "Two flows write one field",
        "The last one to run would win.",
        "Grant each field of a copy by one flow.",
    ),
    "M214": Code(
        "A value goes round in a circle",
        "A value that comes back to where it was taken from has no owner.",
        "Decide which place owns it, and remove the flow that leads back.",
    ),
    "M215": Code(
        "Links in a circle",
        "Each copy would wait for the other to be there first.",
        "Remove one of the links.",
    ),
    "M216": Code(
        "No way to find a copy",
        "Before a copy is made one looks whether it is there, so that none is made twice.",
        "Add `match:` with a target field and the expression it equals.",
    ),
    "M217": Code(
        "A secret in clear",
        "The charter is read by many and kept for ever.",
        "Write env:NAME or file:PATH, and change the secret: it has been read.",
    ),
    "M218": Code(
        "A window that holds nothing",
        "A window that ends before it starts, or names no flow, protects nothing.",
        "Correct its days, or the flow's name.",
    ),
    "M219": Code(
        "An office that escalates to itself",
        "What an office has not seen to by its due date is for somebody else to hear of.",
        "Name another office, or leave `escalate_to` out.",
    ),
    "M220": Code(
        "A field with no value, or two",
        "`is` keeps a value equal, `initially` proposes it once; it is one of the two.",
        "Keep one of them.",
    ),
    "M221": Code(
        "A copy that would not be found again",
        "The match looks for another value than the flow writes, so copies would multiply.",
        "Use the same expression in `match:` and in `fields:`.",
    ),
    "M222": Code(
        "A ref leads nowhere",
        "A ref names the entity it leads to and the fields that spell that entity's key.",
        "Name an entity, and as many fields as its key has parts, in its order.",
    ),
    "M223": Code(
        "Nothing to compare",
        "Records are compared by fields of their roster, with records of others who own "
        "something of the same entity; what is not there cannot be compared.",
        "Correct the name of the field or the resource under `matching:`.",
    ),
    "M224": Code(
        "A guard groups by what is no part of the key",
        "A group that a guard looks at is the records that share some parts of their key; by "
        "anything else a copy could be in one group and its change in another.",
        "Name parts of the key of the flow's entity under `per:`.",
    ),
    "M250": Code(
        "A field that nobody uses",
        "What is declared and not used is read every night for nothing.",
        "Remove it, or add the flow that needs it.",
    ),
    "M251": Code(
        "A review is due",
        "A purpose that held once may hold no longer.",
        "Ask again, then set a new date or remove the flow.",
    ),
    "M252": Code(
        "A class that looks wrong",
        "A name or a date of birth speaks of a person, whatever its class says.",
        "Correct the class, or choose a name that does not mislead.",
    ),
    "M253": Code(
        "A name that nothing uses",
        "A system that owns and receives nothing, or an office that answers for nothing.",
        "Remove it, or use it.",
    ),
    "M254": Code(
        "A window that is over",
        "Days of last year protect nothing this year.",
        "Remove it, or write this year's days.",
    ),
    "M301": Code(
        "Not an expression",
        "The text cannot be read as one expression.",
        "Write one expression; text stands in single quotes, names of fields in none.",
    ),
    "M302": Code(
        "Not in the language",
        "Expressions compute one value from one record; they ask no query and reach no file, "
        "network or setting.",
        "Use the functions that the reference lists.",
    ),
    "M303": Code(
        "Not the same every time",
        "What was planned must be what is done, also tomorrow.",
        "Use as_of(), the date of the run.",
    ),
    "M304": Code(
        "No such field",
        "An expression reads the fields of its entity, and what is behind their refs.",
        "Correct the name, or declare the field.",
    ),
    "M305": Code(
        "Types that do not fit",
        "Text is not compared with numbers, and a condition is true or false.",
        "Change one of the values with cast or try_cast.",
    ),
    "M306": Code(
        "A word outside the list",
        "The field never holds this word, so the comparison never holds.",
        "Use one of the field's words, or add the word to its type.",
    ),
    "M307": Code(
        "A link that leads nowhere",
        "A link is the identifier of another flow's copy in the same system.",
        "Write link('other-flow', field, ...) with a field for each part of its key.",
    ),
    "M308": Code(
        "Nothing behind a field",
        "Only a ref leads to another entity's fields; one of several parts is no value itself.",
        "Read the field itself, or give it the type ref(...); read a field behind a ref.",
    ),
    "M309": Code(
        "A part that must be written out",
        "A pattern or a format that comes from data could fail, or do harm.",
        "Write it out, in a form that DuckDB understands.",
    ),
    "M310": Code(
        "A cast that may fail",
        "A value that is odd would leave its record without any value to deliver.",
        "Use try_cast, which gives NULL there, or a field of the right type.",
    ),
}
