"""What the interface for other systems refuses, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M750": Code(
        "No client, or no client by this secret",
        "A token was asked for by a client that is not let in, or with another secret than it "
        "was given, or a command names a client that is not there.",
        "Have an operator look at `matricula api clients`; a lost secret is replaced by "
        "`matricula api renew`.",
    ),
    "M751": Code(
        "No token, or one that counts no more",
        "Every request carries a token, which lasts an hour and ends with its client.",
        "Ask for a token at `/oauth/token`, and for a new one when it ends.",
    ),
    "M752": Code(
        "Scope not granted",
        "The token carries no scope under which this may be read, or a scope was asked for that "
        "the client was never granted.",
        "Ask for a scope that the client has; an operator grants scopes with "
        "`matricula api let-in`.",
    ),
    "M753": Code(
        "Filter not understood",
        "A OneRoster filter compares a field with a quoted value, and further ones follow after "
        "AND or OR; a SCIM filter follows RFC 7644. What was not granted cannot be asked by, no "
        "more than what is not there.",
        "Write it as `familyName='Ng' AND status='active'`, or as `name.familyName eq \"Ng\" and "
        "active eq true`, with fields that are served.",
    ),
    "M754": Code(
        "Field not known",
        "A selection names a field that this kind of record does not have, or chooses and leaves "
        "out at once.",
        "Name fields of the standard's object.",
    ),
    "M755": Code(
        "Order not understood",
        "Records are sorted by a field that has one value, `asc` or `desc`; over SCIM by an "
        "attribute that is served, `ascending` or `descending`.",
        "Sort by a field of the standard's object that is no list.",
    ),
    "M756": Code(
        "No such record or address",
        "Nothing is served under this address to this client. Over OneRoster what has left is "
        "still there, marked `tobedeleted`; over SCIM it is gone.",
        "Take addresses from the references in what is served.",
    ),
    "M757": Code(
        "Page not understood",
        "`limit` is a whole number from 1 on, `offset` one from 0 on; `startIndex` and `count` "
        "are whole numbers.",
        "Correct the number; a limit that is too large is made smaller by itself.",
    ),
    "M758": Code(
        "Only reading",
        "What is served is a copy. It changes when its owner's record does, and in no other way.",
        "Change the record at its owner. Only objects of the gradebook are put and deleted, each "
        "at its own address, where the charter has them received.",
    ),
    "M759": Code(
        "Cannot be served like that",
        "A client has a name of its own and reads one system of the charter, by a connector that "
        "is served, at an address that is encrypted or this machine's own.",
        "Name a system whose connector is `oneroster_provider` or `scim_provider`, a name that is "
        "free, and an address as in `https://roster.example.org`.",
    ),
    "M760": Code(
        "Nothing granted",
        "The client may read a system of the charter to which no flow brings such records now, "
        "or which the charter has not any more.",
        "Look at the charter's flows to that system; shut the client out if it has none.",
    ),
    "M761": Code(
        "Search not understood",
        "What was posted to `/.search` is no search request of RFC 7644 3.4.3, or too long.",
        "Correct the message, or ask by the parameters of an address.",
    ),
    "M762": Code(
        "Not offered",
        "RFC 7644 has it, and this server has not: bulk requests, PATCH, `/Me`, and listings of "
        "users and groups in one. `ServiceProviderConfig` says so beforehand.",
        "Read users and groups, each by its own address; change a record at its owner.",
    ),
    "M763": Code(
        "Cursor of another listing",
        "A cursor was given that this server did not hand out, or beside `startIndex` or "
        "`sortBy`.",
        "Begin again with an empty `cursor`, and give each page's `nextCursor` for the next.",
    ),
    "M764": Code(
        "No charter to answer by",
        "The charter in the folder has errors, and none was read since the server was started; "
        "what is granted cannot be told.",
        "Run `matricula check`; name the folder in `MATRICULA_CHARTER`.",
    ),
    "M766": Code(
        "Not received from the consumer",
        "A consumer put or deleted something of the gradebook that is not its own: the charter "
        "does not list it under `receives:` of this system, and another owner answers for it.",
        "Change the record at the owner that is named; or have its steward agree that the "
        "consumer owns it, and list it under `receives:`.",
    ),
    "M767": Code(
        "Not as the standard has it",
        "What a consumer put breaks the standard, or names a record that is not served to it.",
        "Correct the property that is named; put what it refers to first.",
    ),
    "M768": Code(
        "Still named",
        "A record is not deleted while another one names it.",
        "Delete what names it first.",
    ),
}
