"""Commands about match cases: list them, look at one, decide it, take a decision back."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.given import why_option
from matricula.cli.sitting import charter_option, json_option
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

# Lines of a list that are told one by one.
_SHOWN = 20
_numbers_of_cases = click.argument("numbers", type=int, nargs=-1, required=True)


@click.group(invoke_without_command=True)
@charter_option
@json_option
@click.option("--decided", is_flag=True, help="Those that were decided, which can be undone.")
@click.pass_context
def matches(context: click.Context, folder: Path | None, *, as_json: bool, decided: bool) -> None:
    """List records that may be one and wait for a steward's decision."""
    if context.invoked_subcommand:
        return
    sitting.sit_down(folder, only_look=True)
    from matricula.hub import matches as matches_

    told = matches_.told(decided=decided)
    if as_json:
        show.as_json(told)
        return
    if told:
        show.table(
            ["case", "kind", "entity", "key", "may be", "of", "probability", "asks", "state"],
            [
                [
                    c["case"], c["kind"], c["entity"], c["key"], c["other"], c["resource"],
                    "" if c["probability"] is None else f"{c['probability']:.1%}", c["steward"],
                    c["state"],
                ]
                for c in told
            ],
        )  # fmt: skip
    if decided:
        show.say(f"{len(told)} decided. `matricula matches undo N --why ...` takes one back.")
    else:
        show.say(
            f"{len(told)} match case(s) wait. See `matricula matches show N`, then `same N` or "
            "`different N` with `--why ...`."
            if told
            else "No match case waits."
        )


@matches.command(name="show")
@charter_option
@json_option
@click.argument("number", type=int)
def show_(folder: Path | None, number: int, *, as_json: bool) -> None:
    """Show one case: how far each field agrees, and all that was said of it."""
    sitting.sit_down(folder, only_look=True)
    from matricula.hub import matches as matches_

    [told] = matches_.told(number)
    if as_json:
        show.as_json(told)
        return
    show.say(f"Case {told['case']} ({told['kind']}), {told['state']}, asks {told['steward']}.")
    show.say(f"{told['entity']} {told['key']} and {told['resource']} {told['other']}".rstrip())
    show.table(["field", "agrees"], [[name, word] for name, word in told["evidence"].items()])
    show.table(
        ["said", "by", "at (UTC)", "why"],
        [[d["said"], d["by"], d["at"], d["why"]] for d in told["decisions"]],
    )


@matches.command()
@charter_option
@_numbers_of_cases
@why_option()
def same(folder: Path | None, numbers: tuple[int, ...], why: str) -> None:
    """Say of cases that the two are one: found as that key, or gone on under it, from now on."""
    _decide(folder, numbers, "same", why)


@matches.command()
@charter_option
@_numbers_of_cases
@why_option()
def different(folder: Path | None, numbers: tuple[int, ...], why: str) -> None:
    """Say that the two are not one; they are never proposed again."""
    _decide(folder, numbers, "different", why)


@matches.command()
@charter_option
@_numbers_of_cases
@why_option()
def undo(folder: Path | None, numbers: tuple[int, ...], why: str) -> None:
    """Take decisions back; each source's record stands as before."""
    _decide(folder, numbers, "undo", why)


def _decide(folder: Path | None, numbers: tuple[int, ...], said: str, why: str) -> None:
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import matches as matches_

    for case in matches_.decide_all(desk, numbers, said, why=why):
        show.say(f"Case {case.pk} is {case.state}; the next pass goes by it.")


@matches.command()
@charter_option
@json_option
@click.argument("entity", required=False, default="")
def find(folder: Path | None, entity: str, *, as_json: bool) -> None:
    """Compare records now, as they were read last, where the charter has `matching:`."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import alike

    counts = alike.find(desk, entity)
    if as_json:
        show.as_json(counts)
        return
    if not counts:
        show.say("The charter compares no records; `matching:` of an entity has it do so.")
    for name, count in counts.items():
        show.say(f"{name}: {count} pair(s) look alike; see `matricula matches`.")


@matches.command()
@charter_option
@click.argument("entity")
@click.option("--from", "old", default="", help="The old key.")
@click.option("--to", "new", default="", help="The new key.")
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    help="A CSV file in UTF-8: an old key, a comma (or ;) and its new key on each line; a first "
    "line `old,new` is allowed.",
)  # fmt: skip
@why_option()
def rekey(
    folder: Path | None, entity: str, *, old: str, new: str, path: Path | None, why: str
) -> None:
    """Say that records go on under new keys, so that their copies are kept and not made again."""
    said = _numbers(old, new, path)
    numbers = {old: new for old, (new, _) in said.items()}
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import matches as matches_
    from matricula.hub import rekeys

    problems = rekeys.problems(desk, entity, numbers) if path else {}
    if path and problems:
        raise _refused(path, {said[old][1]: reason for old, reason in problems.items()})
    cases = matches_.rekey(desk, entity, numbers, why=why)
    show.say(f"{len(cases)} record(s) of {entity} go on under new keys; the next pass goes by it.")
    which = f"case {cases[0]}" if len(cases) == 1 else f"cases {cases[0]} to {cases[-1]}"
    show.say(f"Kept as {which}: `matricula matches undo {cases[0]} --why ...` takes one back.")


def _numbers(old: str, new: str, path: Path | None) -> dict[str, tuple[str, str]]:
    """Give the new key of every old one, and the line that says so."""
    if path is None:
        if not old or not new:
            raise click.UsageError("Give --from and --to, or --file.")
        return {old: (new, "")}
    if old or new:
        raise click.UsageError("Give --from and --to, or --file, not both.")
    rows = [(place, row) for place, row in _rows(path) if any(row)]
    if rows and [word.casefold() for word in rows[0][1]] == ["old", "new"]:
        del rows[0]
    news = Counter(row[-1] for _, row in rows)
    found: dict[str, tuple[str, str]] = {}
    bad = {}
    for place, row in rows:
        if reason := _wrong(row, found, news):
            bad[place] = reason
        else:
            found[row[0]] = (row[1], place)
    if bad or not found:
        raise _refused(path, bad or {path.name: "it names no record"})
    return found


def _rows(path: Path) -> list[tuple[str, list[str]]]:
    """Read a list as a spreadsheet writes it: parted by commas, semicolons or tabs."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(
            "M554",
            f"{path.name} is not text in UTF-8, so its keys cannot be read.",
            cure="Save it as CSV in UTF-8 (a spreadsheet calls it so) and give it again.",
        ) from None
    first = text.partition("\n")[0]
    parted = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=parted)
    return [(f"{path.name}:{reader.line_num}", [c.strip() for c in row]) for row in reader]


def _wrong(row: list[str], before: Container[str], news: Mapping[str, int]) -> str:
    if len(row) != len(("old", "new")) or not all(row):
        return "a line is an old key, a comma and its new key"
    if row[0] in before:
        return f"{row[0]} stands on an earlier line as well"
    return f"{row[1]} is given more than once" if news[row[1]] > 1 else ""


def _refused(path: Path, bad: Mapping[str, str]) -> Refused:
    """Refuse a list as a whole, with every line that is wrong."""
    told = "".join(f"\n  {place}: {reason}" for place, reason in list(bad.items())[:_SHOWN])
    if len(bad) > _SHOWN:
        told += f"\n  and {len(bad) - _SHOWN} more"
    return Refused(
        "M554",
        f"{path.name} has {len(bad)} line(s) that cannot be followed, and none was.{told}\n",
        cure="Correct these lines and give the list again.",
    )
