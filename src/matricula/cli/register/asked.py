"""What every command of the register is asked, and how what it did is told."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from matricula.cli import show, sitting
from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matricula.accounts.rules import Acting
    from matricula.hub.acting import Followed
    from matricula.hub.consequences import Found
    from matricula.hub.desk import Desk
    from matricula.sis.acts.actions import Doing

Value = TypeVar("Value")


class Day(click.ParamType[date]):
    """A day, written as 2026-10-14."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Read it."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is no day; write it as 2026-10-14.", param, ctx)


DAY = Day()


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, in which role, on which ground, and whether only to look.

    Attributes:
        desk: The charter, the home, the moment.
        acting: Who asks; the database is ready.
        preview: Whether nothing is to be kept.
        as_json: Whether to print one JSON value.
    """

    desk: Desk
    acting: Acting
    preview: bool
    as_json: bool


def sit(
    folder: Path | None, *, role: str = "", why: str = "", approver: str = ""
) -> tuple[Desk, Acting]:
    """Sit down at the desk, in a role; the database is ready afterwards."""
    desk = sitting.sit_down(folder)
    from matricula.hub import acting

    return desk, acting.sit_down(desk, role=role, why=why, approver=approver)


def reads(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command that only reads `--charter`, `--role`, `--why` and `--json`, as `asked`."""
    return _asked(command, does=False)


def does(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command that does something the same, and `--approver` and `--preview`."""
    return _asked(command, does=True)


def _asked(command: Callable[..., object], *, does: bool) -> Callable[..., object]:
    @wraps(command)
    def wrapped(**given: Any) -> object:  # noqa: ANN401 - click's own words for the options
        for name, said in given.items():
            _must_be_words(name, said)
        # Before the command's own imports: they need the database to be ready.
        desk, who = sit(
            given.pop("folder"), role=given.pop("role"), why=given.pop("why"),
            approver=given.pop("approver", ""),
        )  # fmt: skip
        asked = Asked(desk, who, given.pop("preview", False), given.pop("as_json"))
        return command(asked, **given)

    options = [
        sitting.charter_option,
        click.option("--role", default="", help="In which of your roles you act."),
        click.option("--why", default="", help="The reason; for an adverse act, from the list."),
        sitting.json_option,
    ]
    if does:
        options += [
            click.option(
                "--approver",
                default="",
                help="The account of the second person, who agreed before.",
            ),
            click.option("--preview", is_flag=True, help="Say what would follow; keep nothing."),
        ]
    found: Callable[..., object] = wrapped
    for option in reversed(options):
        found = option(found)
    return found


_LONGEST = 10_000


def _must_be_words(name: str, said: object) -> None:
    """Take no text that a database or another system would choke on."""
    texts = said if isinstance(said, tuple) else (said,)
    for text in texts:
        if isinstance(text, str) and not _are_words(text):
            option = name.replace("_", "-")
            raise click.UsageError(
                f"{option} holds a control character, something that is no text, or more than "
                f"{_LONGEST:,} characters. Write it anew."
            )


def _are_words(text: str) -> bool:
    odd, kept = {"Cc", "Cs"}, "\n\t"
    return len(text) <= _LONGEST and all(
        sign in kept or unicodedata.category(sign) not in odd for sign in text
    )


def carry_out(
    asked: Asked,
    action: Callable[[Doing], Value],
    *,
    named: Callable[[Value], Mapping[str, object]] | None = None,
    is_new: Callable[[Value], bool] | None = None,
) -> Followed[Value]:
    """Do something in the role that was asked for, and tell what followed.

    Args:
        asked: As the command was given it.
        action: What is done.
        named: What to tell of what it gave, such as the number of a new record.
        is_new: Whether what it gave was not so before, where asking twice changes nothing.
    """
    from matricula.hub import acting

    done = acting.carry_out(asked.desk, asked.acting, action, preview=asked.preview)
    untold = "" if asked.preview else _worked_out(asked)
    # A number that a preview gave is given again to somebody else.
    given = dict(named(done.value)) if named and not asked.preview else {}
    was_so = is_new is not None and not is_new(done.value)
    if asked.as_json:
        show.as_json({**as_told(done), **given, **({"already": True} if was_so else {})})
        return done
    tell(done, was_so=was_so)
    for name, value in given.items():
        show.say(f"{name}: {value}")
    if untold:
        show.say(f"It is done; what it means elsewhere the next pass works out. {untold}")
    return done


def _worked_out(asked: Asked) -> str:
    """Make obligations of what was promised; say why not yet, for the act itself stands."""
    from matricula.hub import acting

    try:
        acting.work_out(asked.desk)
    except MatriculaError as error:
        return str(error)
    return ""


def as_told(done: Followed[Any]) -> dict[str, Any]:
    """Write what followed as one JSON value."""
    return {
        "act": "" if done.is_preview else done.act,
        "preview": done.is_preview,
        "register": [
            {
                "resource": one.resource,
                "before": plain(one.before),
                "after": plain(one.after),
            }
            for one in done.changed
        ],
        "elsewhere": [
            {
                "flow": one.flow, "system": one.system, "target": one.target, "key": one.key,
                "kind": one.kind,
                "fields": {name: list(pair) for name, pair in one.fields.items()},
            }
            for one in (done.elsewhere.consequences if done.elsewhere else ())
        ],
        "untold": dict(done.elsewhere.untold) if done.elsewhere else {},
        "left": list(done.left),
    }  # fmt: skip


def plain(row: Mapping[str, object] | None) -> dict[str, object] | None:
    """Write a row's days and amounts as text."""
    if row is None:
        return None
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def tell(done: Followed[Any], *, was_so: bool = False) -> None:
    """Say to a person what followed; or that it was so already, and nothing did."""
    said = "It was so already: nothing was changed." if was_so else f"Done: {done.act}."
    show.say("Preview: nothing was kept." if done.is_preview else said)
    if was_so and done.is_preview:
        show.say(said)
    rows = [
        (one.resource, " ".join(_key(one.row)), name, before, after)
        for one in done.changed
        for name, (before, after) in one.differences().items()
    ]
    if rows:
        show.table(
            ("in the register", "record", "field", "was", "is"),
            [(*row[:3], show.value(row[3]), show.value(row[4])) for row in rows],
        )
    if done.elsewhere is not None:
        _tell_elsewhere(done.elsewhere)
    for sentence in done.left:
        show.say(f"For a person: {sentence}")
    if not done.is_preview and rows:
        show.say("What it means elsewhere is owed now: `matricula obligations`.")


def _tell_elsewhere(found: Found) -> None:
    told = [
        (one.system, one.target, one.key, one.kind, name, show.value(was), show.value(is_))
        for one in found.consequences
        for name, (was, is_) in (one.fields or {"": ("", "")}).items()
    ]
    if told:
        show.table(("elsewhere", "resource", "record", "to", "field", "holds", "will hold"), told)
    else:
        show.say("In no other system does anything change.")
    for flow, why in found.untold.items():
        show.say(f"Of {flow} nothing can be said: {why}.")


def _key(row: Mapping[str, object]) -> list[str]:
    named = ("student_no", "registration_no", "section_code", "staff_no", "code", "charge_no")
    found = [str(row[name]) for name in named if name in row]
    return found[-1:] if "registration_no" in row else found


def tell_rows(asked: Asked, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows: a table for a person, one JSON list of objects for a program."""
    if not asked.as_json:
        show.table(columns, rows)
        return
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    show.as_json([plain(row) for row in named])
