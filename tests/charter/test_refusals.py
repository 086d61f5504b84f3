"""Every refusal of the charter, with its code, its place, its reason and its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.charter.codes import CODES
from matricula.charter.compile import compile_charter, load
from matricula.kernel.errors import CharterRefused

from .texts import GOOD, TODAY, changed, errors, loaded, write

if TYPE_CHECKING:
    from pathlib import Path

ONE_THING = {
    "an unknown key": (
        ("roster: sis.programmes", "rooster: sis.programmes"),
        "M110",
        "all.yaml:29",
        "`rooster` is no key of entities.programme",
        "`roster`",
    ),
    "an unknown key with no near neighbour": (
        ("currency: GBP", "currency: GBP\nzzz: 1"),
        "M110",
        "all.yaml:4",
        "`zzz` is no key of the charter",
        "Use one of institution",
    ),
    "an unknown key inside a list": (
        ("mode: freeze}", "mode: freeze, mood: x}"),
        "M110",
        "all.yaml:5",
        "`mood` is no key of calendar.0",
        "`mode`",
    ),
    "a missing key": (
        ("institution: Northfield\n", "\n"),
        "M111",
        "charter:1",
        "The charter lacks the key `institution`",
        "`institution:`",
    ),
    "a number for a text": (
        ("institution: Northfield", "institution: 42"),
        "M112",
        "all.yaml:1",
        "institution is 42",
        "in quotes",
    ),
    "an empty value": (
        ("institution: Northfield", "institution:"),
        "M112",
        "all.yaml:1",
        "institution is empty",
        "Write text",
    ),
    "a list for a map": (
        ("cadence: {every: 15m}", "cadence: [15m]"),
        "M112",
        "all.yaml:67",
        "flows.enrolments.cadence is a list",
        "a map",
    ),
    "a map for a text": (
        ("purpose: Students see their sections.", "purpose: {a: b}"),
        "M112",
        "all.yaml:60",
        "flows.enrolments.purpose is a map",
        "Write text",
    ),
    "a text for a truth value": (
        ("{queue: true, alert_after: 2h}", "{queue: yes, alert_after: 2h}"),
        "M112",
        "all.yaml:57",
        "if_unavailable.queue is 'yes'",
        "true or false",
    ),
    "a truth value for a text": (
        ("purpose: Students see their sections.", "purpose: true"),
        "M112",
        "all.yaml:60",
        "flows.enrolments.purpose is true",
        "in quotes",
    ),
    "a word that is none of those allowed": (
        ("on_exit: delete", "on_exit: erase"),
        "M113",
        "all.yaml:68",
        "`erase` is not one of its words",
        "'suspend', 'delete' or 'leave'",
    ),
    "an empty text": (
        ("purpose: Students see their sections.", 'purpose: ""'),
        "M113",
        "all.yaml:60",
        "flows.enrolments.purpose: empty",
        "Fill it in",
    ),
    "a negative count": (
        (
            "errors_to: it\n  enrolments",
            "guard: {exits: {count: -1}}\n    errors_to: it\n  enrolments",
        ),
        "M113",
        "all.yaml:58",
        "guard.exits.count: a count is not negative",
        "0 or more",
    ),
    "an owner that is no resource": (
        ("section: {owner: sis.enrolments", "section: {owner: register"),
        "M113",
        "all.yaml:38",
        "`register` is no owner",
        "idp.users.userName",
    ),
    "a target that is no resource": (
        ("to: lms.enrolments", "to: lms"),
        "M113",
        "all.yaml:62",
        "`lms` is no resource",
        "lms.users",
    ),
    "an unknown type": (
        (
            "points: {owner: sis.students, type: integer}",
            "points: {owner: sis.students, type: number}",
        ),
        "M113",
        "all.yaml:22",
        "`number` is no type",
        "integer",
    ),
    "a field named like a word of the language": (
        ("      title: {owner: sis.programmes", "      case: {owner: sis.programmes"),
        "M114",
        "all.yaml:32",
        "`case` is a word of the language",
        "case_value",
    ),
    "a field named as the engine names its key": (
        ("      title: {owner: sis.programmes", "      key: {owner: sis.programmes"),
        "M114",
        "all.yaml:32",
        "`key` is a word of the language",
        "another name",
    ),
    "a field with a capital letter": (
        ("      title: {owner: sis.programmes", "      Title: {owner: sis.programmes"),
        "M114",
        "all.yaml:32",
        "`Title` is no name for a field",
        "small letters",
    ),
    "a flow with a space in its name": (
        ("  enrolments:\n", "  the enrolments:\n"),
        "M114",
        "all.yaml:59",
        "`the enrolments` is no name",
        "hyphens",
    ),
    "a bad duration": (
        ("every: 15m", "every: a while"),
        "M115",
        "all.yaml:67",
        "`a while` is no duration",
        "15m",
    ),
    "a share beyond the whole": (
        (
            "errors_to: it\n  enrolments",
            "guard: {exits: {share: 500%}}\n    errors_to: it\n  enrolments",
        ),
        "M115",
        "all.yaml:58",
        "`500%` is no share",
        "5%",
    ),
    "a bad time of day": (
        ('full: "02:00"', 'full: "25:00"'),
        "M115",
        "all.yaml:54",
        "`25:00` is no time of day",
        "02:00",
    ),
    "a bad date": (
        ("from: 2026-12-14", "from: 2026-13-14"),
        "M115",
        "all.yaml:5",
        "`2026-13-14` is no date",
        "2026-12-14",
    ),
    "a date that is a number": (
        ("from: 2026-12-14", "from: 2026"),
        "M112",
        "all.yaml:5",
        "calendar.0.from is 2026",
        "text",
    ),
    "money without a currency": (
        ("currency: GBP\n", "\n"),
        "M116",
        "all.yaml:24",
        "student.fees: Money needs a currency",
        "money(GBP)",
    ),
    "an unknown currency": (
        ("currency: GBP", "currency: QUID"),
        "M116",
        "all.yaml:3",
        "`QUID` is no currency",
        "ISO 4217",
    ),
    "an unknown time zone": (
        ("Europe/London", "Mars/Phobos"),
        "M117",
        "all.yaml:2",
        "`Mars/Phobos` is no time zone",
        "IANA",
    ),
    "a truth value among the words of a list": (
        ("type: [active, on_leave, gone]", "type: [active, on_leave, gone, true]"),
        "M118",
        "all.yaml:21",
        "True is not text",
        "in quotes",
    ),
    "an empty list of words": (
        ("title: {owner: sis.programmes, type: text}", "title: {owner: sis.programmes, type: []}"),
        "M118",
        "all.yaml:32",
        "this one is empty",
        "at least one",
    ),
    "a word twice in a list": (
        ("type: [active, on_leave, gone]", "type: [active, on_leave, gone, active]"),
        "M118",
        "all.yaml:21",
        "The list has active twice",
        "once",
    ),
    "a list of two owners": (
        ("points: {owner: sis.students,", "points: {owner: [sis.students, idp.users.points],"),
        "M201",
        "all.yaml:22",
        "student.points is claimed by sis.students and by idp.users.points",
        "remove one claim",
    ),
    "a field without a type": (
        ("points: {owner: sis.students, type: integer}", "points: {owner: sis.students}"),
        "M111",
        "all.yaml:22",
        "entities.student.fields.points lacks the key `type`",
        "`type:`",
    ),
    "an entity without a key": (
        ("    key: code\n", "\n"),
        "M111",
        "all.yaml:27",
        "entities.programme lacks the key `key`",
        "`key:`",
    ),
    "a guard per what is no part of the key": (
        (
            "if_unavailable: {}",
            "if_unavailable: {}\n    guard: {exits: {each: {per: email, share: 5%}}}",
        ),
        "M224",
        "all.yaml:71",
        "enrolments has exits guarded per email",
        "Group by",
    ),
    "an unknown key of a guard": (
        ("if_unavailable: {}", "if_unavailable: {}\n    guard: {exits: {shar: 5%}}"),
        "M110",
        "all.yaml:71",
        "`shar` is no key of flows.enrolments.guard.exits",
        "`share`",
    ),
    "a match by a link that is not written": (
        (
            "match: {id: student_no || '-' || section}",
            "match: {id: \"link('accounts', student_no)\"}",
        ),
        "M307",
        "all.yaml:63",
        "enrolments looks for id by a link that it does not write",
        "Grant `id`",
    ),
    "a field twice with two owners": (
        (
            "      points: {",
            "      points: {owner: idp.users.points, type: integer}\n      points: {",
        ),
        "M201",
        "all.yaml:23",
        (
            "student.points is claimed by idp.users.points (all.yaml:22) and by sis.students "
            "(all.yaml:23)"
        ),
        "one owner",
    ),
    "a field without an owner": (
        ("points: {owner: sis.students, type", "points: {type"),
        "M202",
        "all.yaml:22",
        "entities.student.fields.points has no owner",
        "`owner:`",
    ),
    "an owner that is no connected system": (
        ("section: {owner: sis.enrolments", "section: {owner: siss.enrolments"),
        "M203",
        "all.yaml:38",
        "`siss` is no connected system",
        "Did you mean sis?",
    ),
    "a target that is no connected system": (
        ("to: lms.enrolments", "to: moodle.enrolments"),
        "M203",
        "all.yaml:62",
        "`moodle` is no connected system",
        "under `systems:`",
    ),
    "a roster that is no connected system": (
        ("roster: sis.programmes", "roster: erp.programmes"),
        "M203",
        "all.yaml:29",
        "entities.programme.roster: `erp`",
        "Declare it",
    ),
    "a system without a steward": (
        ("lms: {connector: files, steward: it}", "lms: {connector: files}"),
        "M204",
        "all.yaml:12",
        "systems.lms has no steward",
        "`steward:`",
    ),
    "a steward nobody declared": (
        ("idp: {connector: scim, steward: it", "idp: {connector: scim, steward: itt"),
        "M204",
        "all.yaml:11",
        "`itt` is no steward",
        "Did you mean it?",
    ),
    "errors that go to nobody": (
        ("if_unavailable: {}\n    errors_to: it", "if_unavailable: {}\n    errors_to: bursar"),
        "M204",
        "all.yaml:71",
        "flows.enrolments: `bursar` is no steward",
        "under `stewards:`",
    ),
    "a flow from an unknown entity": (
        ("from: enrolment\n", "from: enrollment\n"),
        "M205",
        "all.yaml:61",
        "`enrollment` is no entity",
        "Did you mean enrolment?",
    ),
    "a reference to an unknown entity": (
        ("type: ref(student)", "type: ref(person)"),
        "M205",
        "all.yaml:37",
        "enrolment.student_no: `person` is no entity",
        "under `entities:`",
    ),
    "a key part that is no field": (
        ("key: code", "key: number"),
        "M206",
        "all.yaml:28",
        "the key's part `number` is no field",
        "under `fields:`",
    ),
    "a key that the roster does not own": (
        (
            "student_no: {owner: sis.students, type: text}",
            "student_no: {owner: idp.users.no, type: text}",
        ),
        "M206",
        "all.yaml:19",
        "idp.users owns it and not the roster sis.students",
        "change the owner",
    ),
    "an owner whose records cannot be recognised": (
        ("    found_by: {idp.users: externalId}\n", "\n"),
        "M207",
        "all.yaml:26",
        "nothing says how its records are recognised as student",
        "spells student_no",
    ),
    "a key spelt with too few fields": (
        (
            "{owner: sis.enrolments, type: text}\n",
            (
                "{owner: sis.enrolments, type: text}\n"
                "      mark: {owner: lms.marks, type: decimal}\n    "
                "found_by: {lms.marks: student}\n"
            ),
        ),
        "M207",
        "all.yaml:40",
        "spells the key of enrolment with 1 field(s); the key has 2",
        "student_no, section",
    ),
    "a roster that is found by something": (
        (
            "found_by: {idp.users: externalId}",
            "found_by: {idp.users: externalId, sis.students: no}",
        ),
        "M207",
        "all.yaml:17",
        "sis.students is the roster of student",
        "Remove the line",
    ),
    "a claim within another claim": (
        ("programme: {owner: sis.students,", "programme: {owner: sis.students.points.course,"),
        "M208",
        "all.yaml:25",
        "one lies within the other",
        "finest level",
    ),
    "one value as two types": (
        (
            "programme: {owner: sis.students, type: ref(programme)}",
            (
                "programme: {owner: sis.students, type: ref(programme)}\n"
                "      rank: {owner: sis.students.points, type: text}"
            ),
        ),
        "M208",
        "all.yaml:26",
        "as two different types or classes",
        "one type",
    ),
    "a flow that writes to the owner": (
        ("owner: idp.users.userName", "owner: lms.users.login"),
        "M209",
        "all.yaml:49",
        "accounts writes lms.users.login, but that system owns it",
        "initially:",
    ),
    "a flow without a purpose": (
        ("    purpose: Students see their sections.\n", "\n"),
        "M210",
        "all.yaml:59",
        "does not say why the copy exists",
        "`purpose:`",
    ),
    "a flow that does not say what happens on drift": (
        ("    on_drift: report\n", "\n"),
        "M210",
        "all.yaml:59",
        "what happens when somebody edits the copy",
        "`on_drift:`",
    ),
    "a flow that does not say what happens on exit": (
        ("    on_exit: delete\n", "\n"),
        "M210",
        "all.yaml:59",
        "what happens when a record leaves",
        "`on_exit:`",
    ),
    "a flow that does not say what happens while a system is down": (
        ("    if_unavailable: {}\n", "\n"),
        "M210",
        "all.yaml:59",
        "what happens while a system is down",
        "`if_unavailable:`",
    ),
    "a flow without a source": (
        ("    from: enrolment\n", "\n"),
        "M210",
        "all.yaml:59",
        "whose fields are carried",
        "`from:`",
    ),
    "a flow without a target": (
        ("    to: lms.enrolments\n", "\n"),
        "M210",
        "all.yaml:59",
        "which resource receives the copy",
        "`to:`",
    ),
    "a flow without fields": (
        (
            (
                "    fields:\n      user: {is: \"link('accounts', "
                'student_no)", because: it says who}\n'
                "      section: {is: section, because: it says where}\n"
            ),
            "\n",
        ),
        "M210",
        "all.yaml:59",
        "which fields are granted",
        "`fields:`",
    ),
    "a flow that never runs": (
        ("cadence: {every: 15m}", "cadence: {on_change: false}"),
        "M210",
        "all.yaml:67",
        "its cadence names no occasion",
        "on_change: true",
    ),
    "a field without a reason": (
        ("section: {is: section, because: it says where}", "section: {is: section}"),
        "M211",
        "all.yaml:66",
        "fields.section does not say why",
        "`because:`",
    ),
    "personal data without a basis": (
        ("    basis: contract with the student\n", "\n"),
        "M212",
        "all.yaml:40",
        "student.full_name (personal)",
        "`basis:`",
    ),
    "two flows that write one field": (
        (
            (
                "from: enrolment\n    to: lms.enrolments\n    match: {id: "
                "student_no || '-' || section}"
            ),
            "from: student\n    to: lms.users\n    match: {id: student_no}",
        ),
        "M304",
        "all.yaml:66",
        "student has no field `section`",
        "Use one of",
    ),
    "a flow without a match": (
        ("    match: {id: student_no || '-' || section}\n", "\n"),
        "M216",
        "all.yaml:59",
        "how a copy that exists is found",
        "`match:`",
    ),
    "a token in clear": (
        ('token: "env:TOKEN"', "token: abc123"),
        "M217",
        "all.yaml:11",
        "systems.idp.settings.token holds a secret",
        "env:NAME",
    ),
    "a password within an address": (
        ('url: "env:SIS_URL"', "url: postgresql://me:pw@db.example/sis"),
        "M217",
        "all.yaml:10",
        "systems.sis.settings.url holds a secret",
        "change it",
    ),
    "a window that ends before it starts": (
        ("to: 2026-12-18", "to: 2026-12-01"),
        "M218",
        "all.yaml:5",
        "ends on 2026-12-01, before it starts",
        "Exchange",
    ),
    "a window for a flow that does not exist": (
        ("flows: [enrolments]", "flows: [enrolment]"),
        "M218",
        "all.yaml:5",
        "names `enrolment`, which is no flow",
        "Did you mean enrolments?",
    ),
    "a window for something unheard of": (
        ("flows: [enrolments]", "flows: [payroll]"),
        "M218",
        "all.yaml:5",
        "names `payroll`",
        "Name a flow",
    ),
    "a field with two values": (
        ("section: {is: section, because", "section: {is: section, initially: section, because"),
        "M220",
        "all.yaml:66",
        "says both `is` and `initially`",
        "Keep `is`",
    ),
    "a field with no value": (
        ("section: {is: section, because", "section: {because"),
        "M220",
        "all.yaml:66",
        "does not say what its value is",
        "`is:`",
    ),
    "a match that would not find its own copies": (
        ("match: {id: student_no}", "match: {id: lower(student_no)}"),
        "M221",
        "all.yaml:45",
        "writes id = student_no",
        "same expression",
    ),
    "an expression that is none": (
        ("is: points + 1", "is: points + + )"),
        "M301",
        "all.yaml:52",
        "cannot be read as an expression",
        "one expression",
    ),
    "a query": (
        ("is: points + 1", "is: (select 1)"),
        "M302",
        "all.yaml:52",
        "`(SELECT 1)` is not in the language",
        "coalesce",
    ),
    "a file": (
        ("is: points + 1", "is: read_text('/etc/passwd')"),
        "M302",
        "all.yaml:52",
        "is not in the language",
        "Functions are",
    ),
    "the time of day": (
        ("is: points + 1", "is: now()"),
        "M303",
        "all.yaml:52",
        "differs from one moment to the next",
        "as_of()",
    ),
    "a field that does not exist": (
        ("is: points + 1", "is: pionts + 1"),
        "M304",
        "all.yaml:52",
        "student has no field `pionts`",
        "Did you mean points?",
    ),
    "a comparison of unlike types": (
        ("where: status in ('active', 'on_leave')", "where: points = 'many'"),
        "M305",
        "all.yaml:46",
        "puts integer and text side by side",
        "try_cast",
    ),
    "a condition that is no condition": (
        ("where: status in ('active', 'on_leave') and coalesce(fees, 0) < 100", "where: points"),
        "M305",
        "all.yaml:46",
        "a condition is true or false",
        "status = 'active'",
    ),
    "a word outside the list": (
        ("status in ('active', 'on_leave')", "status in ('active', 'absent')"),
        "M306",
        "all.yaml:46",
        "'absent' is none of the words active, on_leave, gone",
        "add the word",
    ),
    "a link to no flow": (
        ("link('accounts', student_no)", "link('acounts', student_no)"),
        "M307",
        "all.yaml:65",
        "there is no flow `acounts`",
        "Did you mean accounts?",
    ),
    "a link in the middle of an expression": (
        ("link('accounts', student_no)", "lower(link('accounts', student_no))"),
        "M307",
        "all.yaml:65",
        "stands where no link may",
        "whole expression",
    ),
    "a link with too many parts": (
        ("link('accounts', student_no)", "link('accounts', student_no, section)"),
        "M307",
        "all.yaml:65",
        "accounts is known by student_no",
        "in its order",
    ),
    "a link to another system": (
        ("to: lms.enrolments", "to: idp.groups"),
        "M307",
        "all.yaml:65",
        "accounts writes to lms, not idp",
        "same target system",
    ),
    "a way through a field that is no reference": (
        ("is: programme.title", "is: login.title"),
        "M308",
        "all.yaml:53",
        "student.login is text; nothing is behind it",
        "ref(...)",
    ),
    "a pattern that cannot be understood": (
        ("is: lower(login)", "is: \"regexp_replace(login, '(', '')\""),
        "M309",
        "all.yaml:49",
        "needs a pattern that DuckDB understands",
        "Correct",
    ),
    "a cast that may fail": (
        ("is: points + 1", "is: cast(login as integer)"),
        "M310",
        "all.yaml:52",
        "has no value for a text",
        "try_cast",
    ),
}


@pytest.mark.parametrize("name", ONE_THING)
def test_a_charter_is_refused_for(name: str, tmp_path: Path) -> None:
    edit, code, place, reason, cure = ONE_THING[name]

    compiled = loaded(tmp_path, edit)

    said = [f for f in errors(compiled) if (f.code, f.place) == (code, place)]
    matching = [f for f in said if reason in f.message and cure in f.cure]
    assert matching, "\n".join(map(str, compiled.findings))
    assert compiled.charter is None


def test_the_charter_that_the_others_are_broken_from_holds(tmp_path: Path) -> None:
    compiled = loaded(tmp_path)

    assert compiled.findings == ()
    assert compiled.charter is not None


def test_every_code_that_is_raised_has_its_page(tmp_path: Path) -> None:
    raised = {code for _, code, *_ in ONE_THING.values()}

    assert raised <= set(CODES)
    assert all(code.title and code.why and code.cure for code in CODES.values())


FILES = {
    "a file that breaks off": (
        "flows: {a: [1",
        "M103",
        "b.yaml:1",
        "cannot be read",
        "bracket",
    ),
    "a control character": (
        "institution: \x07",
        "M103",
        "b.yaml:1",
        "cannot be read",
        "Correct the line",
    ),
    "half a character": (
        '\nstewards:\n  it: {name: "\\uD83D\\uDE00", notify: it@example.org}\n',
        "M108",
        "b.yaml:3",
        "half a character",
        "Write the value out",
    ),
    "half a character in a key": (
        '"\\uDFFF": 1\n',
        "M108",
        "b.yaml:1",
        "half a character",
        "Write the value out",
    ),
    "two documents in one file": (
        "a: 1\n---\nb: 2\n",
        "M103",
        "b.yaml:2",
        "a second document begins",
        "two files",
    ),
    "a key that is a list": (
        "? [a, b]\n: 1\n",
        "M103",
        "b.yaml:1",
        "A key is one word",
        "in quotes",
    ),
    "a tab": (
        "flows:\n\ta: 1\n",
        "M104",
        "b.yaml:2",
        "begins with a tab",
        "spaces",
    ),
    "a key twice": (
        "systems:\n  old: {connector: sql, steward: it}\n  old: {connector: sql, steward: it}\n",
        "M105",
        "b.yaml:3",
        "systems.old is declared at b.yaml:2 and again at b.yaml:3",
        "rename",
    ),
    "a name declared in two files": (
        "systems:\n  sis: {connector: sql, steward: it}\n",
        "M105",
        "b.yaml:2",
        "systems.sis is declared at a.yaml:10 and again at b.yaml:2",
        "rename",
    ),
    "a key of the whole in two files": (
        "\ninstitution: Southfield\n",
        "M105",
        "b.yaml:2",
        "institution is declared at a.yaml:1 and again",
        "rename",
    ),
    "a second claim in another file": (
        (
            "entities:\n  student:\n    fields:\n      full_name: "
            "{owner: idp.users.name, type: text}\n"
        ),
        "M201",
        "b.yaml:4",
        "student.full_name is claimed by sis.students (a.yaml:20) and by idp.users.name",
        "One field has one owner",
    ),
    "an anchor": (
        "stewards: {x: &x {name: X, notify: x}}\n",
        "M108",
        "b.yaml:1",
        "an anchor (&x)",
        "Write the value out",
    ),
    "an alias": (
        "stewards: {x: *x}\n",
        "M108",
        "b.yaml:1",
        "an alias (*x)",
        "Write the value out",
    ),
    "a tag": (
        "stewards: !!python/object:os.system x\n",
        "M108",
        "b.yaml:1",
        "a tag",
        "Write the value",
    ),
    "a list of things": (
        "- a\n- b\n",
        "M109",
        "b.yaml:1",
        "is a map from keys",
        "Begin the file",
    ),
    "a number that no machine can take": (
        "currency: " + "9" * 5000,
        "M105",
        "b.yaml:1",
        "currency is declared",
        "declared once",
    ),
    "text nested without end": (
        "a: " + "[" * 40 + "]" * 40,
        "M109",
        "b.yaml:1",
        "nested more than",
        "flatter",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused_for(name: str, tmp_path: Path) -> None:
    text, code, place, reason, cure = FILES[name]

    compiled = load(write(tmp_path, a=GOOD, b=text), today=TODAY)

    said = [f for f in errors(compiled) if (f.code, f.place) == (code, place)]
    assert any(reason in f.message and cure in f.cure for f in said), compiled.findings
    assert compiled.charter is None


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(tmp_path: Path) -> None:
    folder = write(tmp_path, a=GOOD)
    (folder / "b.yaml").write_bytes(b"# one\ninstitution: Universit\xe9\n")

    (found,) = load(folder, today=TODAY).findings

    assert (found.code, found.place) == ("M107", "b.yaml:2")
    assert "byte 29" in found.message
    assert "UTF-8" in found.cure


def test_a_file_that_cannot_be_read_is_told_alone_and_not_what_its_absence_makes_of_others(
    tmp_path: Path,
) -> None:
    lines = GOOD.splitlines(keepends=True)
    begins = next(n for n, line in enumerate(lines) if line.startswith("systems:"))
    ends = next(n for n, line in enumerate(lines) if line.startswith("entities:"))
    systems = "".join(lines[begins:ends])
    others = "".join(lines[:begins] + lines[ends:])

    found = load(write(tmp_path, a=others, b=systems + "  broken: [1\n"), today=TODAY).findings

    assert [(f.code, f.place.partition(":")[0]) for f in found] == [("M103", "b.yaml")]
    assert "once this one can be read" in found[0].cure


def test_what_is_wrong_in_a_file_by_itself_is_told_after_the_one_that_cannot_be_read(
    tmp_path: Path,
) -> None:
    other = GOOD.replace("timezone:", "tmiezone:")

    found = load(write(tmp_path, a=other, z="flows: {a: [1"), today=TODAY).findings

    assert [f.code for f in found[:2]] == ["M103", "M110"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (found,) = load(tmp_path / "charter", today=TODAY).findings

    assert (found.code, found.place) == ("M101", "charter:1")
    assert "matricula init" in found.cure


@pytest.mark.parametrize("files", [{}, {"a": ""}, {"a": "# only a comment\n", "b": ""}])
def test_a_folder_that_says_nothing_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    (found,) = load(write(tmp_path, **files), today=TODAY).findings

    assert (found.code, found.place) == ("M102", "charter:1")
    assert "matricula init" in found.cure


def test_two_flows_that_write_one_field_of_one_entity_are_both_named(tmp_path: Path) -> None:
    second = changed().split("  accounts:\n")[1].split("  enrolments:\n")[0]
    text = GOOD + "  more-accounts:\n" + second

    found = errors(load(write(tmp_path, all=text), today=TODAY))

    assert {f.code for f in found} == {"M213"}
    first = next(f for f in found if ".login" in f.message)
    assert first.place == "all.yaml:81"
    assert "accounts (all.yaml:49) and more-accounts (all.yaml:81)" in first.message
    assert "one flow" in first.cure


def test_a_key_twice_without_owners_is_not_two_claims(tmp_path: Path) -> None:
    twice = ("      points: {owner", "      points: {type: integer}\n      points: {owner")

    compiled = loaded(tmp_path, twice)

    assert [f.code for f in errors(compiled)] == ["M202", "M105"]


def test_one_value_may_be_a_field_of_two_names(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        (
            "      code: {owner: sis.programmes, type: text}\n",
            (
                "      code: {owner: sis.programmes, type: text}\n"
                "      short_title: {owner: sis.programmes.title, type: text}\n"
            ),
        ),
    )

    assert errors(compiled) == []


def test_a_copy_may_be_found_by_the_links_it_writes(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        (
            "match: {id: student_no || '-' || section}",
            "match: {user: \"link('accounts', student_no)\", section: section}",
        ),
    )

    assert compiled.findings == ()


def test_flows_of_two_entities_may_share_a_resource(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        ("to: lms.enrolments", "to: lms.users"),
        ("section: {is: section", "login: {is: section"),
    )

    assert compiled.findings == ()


def test_a_value_that_comes_back_to_its_owner_is_a_circle(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        ("match: {id: student_no}", "match: {id: student_no}"),
        ("to: lms.users", "to: sis.students"),
        (
            "      login: {is: lower(login), because: the same login everywhere}\n",
            "      points: {is: points, because: it goes round}\n",
        ),
    )

    found = errors(compiled)

    circle = next(f for f in found if f.code == "M214")
    assert circle.place == "all.yaml:49"
    assert "sis.students.points -> sis.students.points" in circle.message
    assert "M209" in {f.code for f in found}


def test_flows_whose_links_wait_for_each_other_are_refused(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        ("course: {is: programme.title", "course: {is: \"link('enrolments', student_no, login)\""),
    )

    (found,) = errors(compiled)

    assert (found.code, found.place) == ("M215", "all.yaml:40")
    assert "accounts -> enrolments -> accounts" in found.message


def test_a_link_between_unlike_keys_is_refused(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        (
            "section: {owner: sis.enrolments, type: text}",
            "section: {owner: sis.enrolments, type: integer}",
        ),
        ("link('accounts', student_no)", "link('accounts', section)"),
        ("student_no || '-' || section", "student_no"),
    )

    (found,) = errors(compiled)

    assert found.code == "M307"
    assert "enrolment.section is integer, but student.student_no is text" in found.message


def test_a_link_may_give_a_reference_instead_of_the_parts_of_its_key(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        (
            "section: {owner: sis.enrolments, type: text}",
            (
                "section: {owner: sis.enrolments, type: text}\n"
                "      before: {owner: sis.enrolments, type: ref(enrolment)}"
            ),
        ),
        ("to: lms.users", "to: lms.people"),
        (
            "  enrolments:\n    purpose",
            (
                "  history:\n    purpose: To see what came before.\n"
                "    from: enrolment\n    to: lms.history\n    match: {id: section}\n    fields:\n"
                "      was: {is: \"link('enrolments', before)\", because: it leads back}\n"
                "    cadence: {every: 1d}\n    on_exit: leave\n    on_drift: adopt\n"
                "    if_unavailable: {}\n    errors_to: it\n  enrolments:\n    purpose"
            ),
        ),
    )

    assert compiled.findings == ()
    assert compiled.charter is not None
    assert compiled.charter.flows["history"].after == ("enrolments",)


def test_what_the_target_owns_may_be_proposed_once(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        ("to: lms.users", "to: idp.users"),
        ("login: {is: lower(login)", "userName: {initially: student_no"),
        (
            "full_name, because: people are addressed by it}",
            "\"full_name || coalesce(login, '')\", because: people are addressed by it}",
        ),
        ("to: lms.enrolments", "to: idp.groups"),
        ("  lms: {connector: files, steward: it}\n", ""),
    )

    assert compiled.findings == ()


@pytest.mark.parametrize(
    "settings",
    [
        "{api_key: abc}",
        "{key: abc}",
        "{password: 1234}",
        "{nested: {client_secret: abc}}",
        "{headers: [Bearer abcdef]}",
        "{note: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x}",
        "{pem: '-----BEGIN PRIVATE KEY-----'}",
        "{url: 'https://x.example/?token=abc'}",
        "{url: 'https://me:pw@[broken/'}",
    ],
)
def test_a_secret_is_found_wherever_it_stands_and_never_repeated(
    settings: str, tmp_path: Path
) -> None:
    compiled = loaded(
        tmp_path, ("files, steward: it}", f"files, steward: it, settings: {settings}}}")
    )

    (found,) = errors(compiled)

    assert (found.code, found.place) == ("M217", "all.yaml:12")
    assert "abc" not in found.message
    assert "pw" not in found.message


@pytest.mark.parametrize(
    "settings",
    [
        "{token_url: 'https://idp.example/token'}",
        "{resources: {students: {table: students, key: [student_no]}}}",
        "{resources: {students: {key: student_no}}}",
        "{password: 'file:/run/secrets/db', token: null}",
        "{url: 'https://[broken'}",
    ],
)
def test_what_is_no_secret_is_left_alone(settings: str, tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path, ("files, steward: it}", f"files, steward: it, settings: {settings}}}")
    )

    assert compiled.findings == ()


def test_all_errors_of_a_charter_come_at_once(tmp_path: Path) -> None:
    compiled = loaded(
        tmp_path,
        ("institution: Northfield", "institution: 42"),
        ('token: "env:TOKEN"', "token: abc123"),
        ("points: {owner: sis.students,", "points: {owner: [sis.students, idp.users.points],"),
        ("roster: sis.programmes", "rooster: sis.programmes"),
        ("is: lower(login)", "is: lowr(login)"),
        ("is: points + 1", "is: points + now()"),
        ("    on_drift: report\n", "\n"),
        ("section: {is: section, because: it says where}", "section: {is: section}"),
        ("to: 2026-12-18", "to: 2026-12-01"),
    )

    found = [(f.place, f.code) for f in errors(compiled)]

    assert found == [
        ("all.yaml:1", "M112"),
        ("all.yaml:5", "M218"),
        ("all.yaml:11", "M217"),
        ("all.yaml:22", "M201"),
        ("all.yaml:27", "M111"),
        ("all.yaml:29", "M110"),
        ("all.yaml:49", "M302"),
        ("all.yaml:52", "M303"),
        ("all.yaml:59", "M210"),
        ("all.yaml:66", "M211"),
    ]


def test_a_refused_charter_raises_with_every_error_and_no_warning(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        all=changed(
            ("on_exit: delete", "on_exit: erase"),
            ("is: points + 1", "is: now()"),
            ("to: 2026-12-18", "to: 2026-01-18"),
            ("from: 2026-12-14", "from: 2026-01-14"),
        ),
    )

    with pytest.raises(CharterRefused) as caught:
        compile_charter(folder, today=TODAY)

    assert [f.code for f in caught.value.findings] == ["M303", "M113"]
    assert caught.value.place == "all.yaml:52"
