"""What connectors refuse, by code: M42x to M44x for what they read, M6xx for what they do."""

from __future__ import annotations

from matricula.kernel.codes import Code

_AGAIN = "Have the export made again and run again; nothing was taken from this one."

CODES: dict[str, Code] = {
    "M420": Code(
        "File missing",
        "The file that the charter names is not there. That is a fault of the delivery, not "
        "news that everybody left.",
        "Have the file delivered, correct its name, or write `missing_ok: true` for a target "
        "that Matricula itself begins.",
    ),
    "M421": Code("Empty file", "The file has no bytes, or nothing but white space.", _AGAIN),
    "M422": Code(
        "Header only",
        "The file has a header and not one record. An export that failed looks the same.",
        "Have the export made again, or write `may_be_empty: true` where no record is normal.",
    ),
    "M423": Code(
        "Cut off",
        "The file ends in the middle of a record: a copy or an export stopped half-way.",
        "Have the file delivered again. Where an export never writes a final line end, say "
        "`final_newline: optional`.",
    ),
    "M424": Code(
        "Wrong encoding",
        "The bytes of the file are not text in the encoding that the charter states.",
        "Write the right `encoding:` or have the export made in the agreed one.",
    ),
    "M425": Code(
        "Wrong delimiter",
        "The header does not come apart at the delimiter that the charter states.",
        "Write the right `delimiter:` or have the export made with the agreed one.",
    ),
    "M426": Code(
        "Column missing",
        "A column that the charter relies on is not in the header; it may have a new name.",
        "Have the export give the column its agreed name, or change the charter.",
    ),
    "M427": Code(
        "Header unusable",
        "Two columns share one name, a column has none, or a name is reserved.",
        "Have the export give each column one name of its own.",
    ),
    "M428": Code(
        "Ragged rows",
        "A row has more or fewer values than the header has columns, so values may stand "
        "under the wrong name.",
        "Correct the row at the source; values that hold the delimiter must be quoted.",
    ),
    "M429": Code(
        "Malformed file",
        "The file is not well-formed: a quote out of place, a broken line of JSON, a Parquet "
        "file that does not open.",
        _AGAIN,
    ),
    "M430": Code(
        "Control total differs",
        "The source states how many rows or which digest it has, and something else arrived: "
        "the transfer was cut or the file was changed on its way.",
        _AGAIN,
    ),
    "M431": Code(
        "Duplicate keys",
        "Two records of the file have the same key, so it is unclear which one is meant.",
        "Have the source send each record once, or name the full key in the charter.",
    ),
    "M432": Code(
        "Blank keys",
        "A record without a key cannot be told from another.",
        "Have the source fill the key of every record.",
    ),
    "M433": Code(
        "Damaged keys",
        "A key does not have its agreed form, as happens when a spreadsheet takes numbers "
        "for amounts or for dates.",
        "Have the export made again without opening it in a spreadsheet.",
    ),
    "M434": Code(
        "Changed while reading",
        "The file was written to while it was read; what was read is of two minds.",
        "Run again when the delivery is finished; deliver by renaming a finished file.",
    ),
    "M435": Code(
        "Odd but bearable",
        "Something in the file is unusual and was taken as it is.",
        "Look at it with the office that delivers the file.",
    ),
    "M436": Code(
        "Value read as absent",
        "A value is not of the form that the system itself gives to its field, so that it cannot "
        "be taken for anything; the record was read as if it had none there.",
        "Have the value corrected in the system; the next reading takes it.",
    ),
    "M440": Code(
        "Listing never held still",
        "Records came or went on every attempt to read a listing page by page, so some may "
        "have been skipped.",
        "Read it at a quieter hour; a server without a stable order cannot be read safely.",
    ),
    "M441": Code(
        "Listing malformed",
        "A page of a listing lacks what its protocol promises: the total, the records, their ids.",
        "Look at the server's version and log; nothing of the listing was taken.",
    ),
    "M445": Code(
        "Value not of its column's type",
        "A column of a database holds a value that its own declared type does not allow.",
        "Have the value corrected in the database, or leave the column out with `columns:`.",
    ),
    "M446": Code(
        "Record without a key",
        "A record has nothing in a column that identifies records.",
        "Name columns that are never empty in `key:` or `external_id:`.",
    ),
    "M450": Code(
        "Bundle unusable",
        "A bundle of files is no sound zip, is encrypted, or holds its files where the "
        "standard does not want them.",
        "Have the bundle made and delivered again, its files at the root of the zip.",
    ),
    "M451": Code(
        "Bundle dangerous",
        "A bundle holds paths that lead out of it, links, or files that unpack to far more "
        "than a roster can be. Nothing of it is unpacked.",
        "Ask whoever delivers it what this is.",
    ),
    "M452": Code(
        "Manifest wrong",
        "The control file of a bundle is missing, incomplete or of another version.",
        "Have the bundle made with a manifest that states every file of its version.",
    ),
    "M453": Code(
        "Bundle against its manifest",
        "What the control file says of a file and what the file holds do not agree.",
        "Have the control file and the files made by the same export.",
    ),
    "M454": Code(
        "Header against the standard",
        "The columns of a file are not those of the standard, in its order and spelling.",
        "Have the header written as the version's table has it.",
    ),
    "M455": Code(
        "Value against the standard",
        "A value is missing where the standard requires one, is not of its column's kind, "
        "or is broken by a line end.",
        "Have the values corrected at their owner.",
    ),
    "M456": Code(
        "Reference to nothing",
        "A row names a record of another file that is not there, or a record cannot go "
        "because another still names it.",
        "Deliver the record that is named first, and take away first what names it.",
    ),
    "M457": Code(
        "Changes instead of the whole",
        "A file holds changes only; whoever is not in it has not left.",
        "Have a bulk file delivered; a delta cannot be read as everything there is.",
    ),
    "M601": Code(
        "No such connector",
        "The charter names a connector that is not installed.",
        "Use one of the names listed, or install the distribution that brings it.",
    ),
    "M602": Code(
        "No such resource",
        "The charter names a resource that the connected system does not have.",
        "Correct the name of the resource, or add it to the system's settings.",
    ),
    "M603": Code(
        "No such field",
        "A write names a field that the resource does not have.",
        "Correct the flow's field, or add it to the resource.",
    ),
    "M604": Code(
        "Value refused",
        "The system cannot hold this value without changing it, or refuses it.",
        "Correct the value at its owner.",
    ),
    "M605": Code(
        "Record not there",
        "The record that a write is about is not in the system.",
        "Nothing to do by hand: the next full run sees that it is gone.",
    ),
    "M606": Code(
        "Record ambiguous",
        "More than one record answers to what should identify one, or one that is another's copy.",
        "Have the system's office merge or correct the records.",
    ),
    "M607": Code(
        "Verb not supported",
        "The system cannot do this to a record as it is configured.",
        "Change the flow, or configure what the connector's page says.",
    ),
    "M610": Code(
        "System away",
        "The system could not be reached; nothing happened there.",
        "Nothing to do by hand unless it lasts: it is tried again.",
    ),
    "M611": Code(
        "System busy",
        "The system asks to be left alone for a while.",
        "Nothing to do by hand: it is tried again later.",
    ),
    "M612": Code(
        "Answer lost",
        "A call was sent and its answer never came, so nobody knows whether it was done.",
        "Nothing to do by hand: the record is read back before anything else.",
    ),
    "M613": Code(
        "Not let in",
        "The system refuses our credentials, or they lack a permission.",
        "Renew the credentials, or have the permission in the connector's page granted.",
    ),
    "M614": Code(
        "Host not named in the charter",
        "A call, a redirect or a page link leads to a host that the charter does not name.",
        "Correct the address in the charter if the system moved; otherwise ask its office.",
    ),
    "M615": Code(
        "Answer not understood",
        "The system answered in a way that its interface does not provide for.",
        "Look at the system's own log for the time named, and at the version it runs.",
    ),
    "M616": Code(
        "A system's file is missing",
        "The file that holds a system's database is not where the charter says.",
        "Provide the file, or correct `url:` in the charter.",
    ),
    "M620": Code(
        "Folder or path refused",
        "A path in the charter leads out of the folder it must stay in, or to no folder.",
        "Correct `folder:` or `file:`; links that lead elsewhere are not followed.",
    ),
    "M621": Code(
        "File in use",
        "Another writer holds the file.",
        "Nothing to do by hand: it is tried again.",
    ),
    "M624": Code(
        "Query refused",
        "A resource's query is not one SELECT that only reads, or the database does not take it.",
        "Correct `query:`, or have a view made of it and name that.",
    ),
    "M625": Code(
        "Not a column to tell changes by",
        "The column that `changed_by:` names holds neither instants nor dates nor whole numbers, "
        "or `overlap:` does not fit it.",
        "Name the column that the database sets whenever it changes a record.",
    ),
    "M626": Code(
        "Feed not there",
        "The feed that the charter names cannot be had here, or what it stands on is missing or "
        "switched off; until it is whole the resource is read whole.",
        "Have the system's administrator run what `matricula feed` prints.",
    ),
    "M627": Code(
        "Feed not ours to read",
        "The account may not read what the feed keeps, or not remove what was read.",
        "Have the rights granted that `matricula feed` prints.",
    ),
    "M628": Code(
        "Changes do not fit",
        "What a connector says has changed is not of the form of its own reading.",
        "Report it to whoever maintains the connector.",
    ),
    "M629": Code(
        "Done without",
        "The system does not offer something that its protocol provides for. It is served in "
        "another way, with the drawback that the message names.",
        "Have its office switch it on if it can; otherwise nothing is to be done.",
    ),
    "M633": Code(
        "Record contended",
        "Something else changes the record whenever we are about to.",
        "Nothing to do by hand unless it lasts: then find out what else writes it.",
    ),
    "M736": Code(
        "The library has something open with this person",
        "Something is on loan or owed, or another person is answered for, so the library "
        "system keeps the patron.",
        "Nothing to do by hand: it is tried again once the library has settled it. Suspend "
        "rather than delete: `on_exit: suspend`.",
    ),
    "M640": Code(
        "Field not writable",
        "The database makes this field itself, or the settings fix its value.",
        "Take the field out of the flow.",
    ),
}
