"""Judge histories: every one a legal walk, whole or not at all, for many at once.

The walk is the rules' own: their tables of transitions, followed by the calculator in the
order of the days from which events count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.kernel.histories import NOT_YET
from matricula.sis.loading.actions import cells, settling
from matricula.sis.loading.rules import STORIES, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matricula.sis.loading.actions.desk import Desk
    from matricula.sis.loading.rules import Story

_THERE = {
    "owner": "BIGINT", "id": "BIGINT", "action": "VARCHAR", "effective_on": "DATE",
    "supersedes": "BIGINT",
}  # fmt: skip
# What an event may say beside its action and its day, with types.
_SAID = {
    "reason": "VARCHAR", "last_attended_on": "DATE", "ends_on": "DATE", "grade": "VARCHAR",
    "until_on": "DATE",
}  # fmt: skip


def judge(desk: Desk, subject: str, *, keep: bool = False) -> None:
    """Judge the rows of a table that have a history, and their events.

    Makes `step_<subject>`, the events with the states before and after each, and
    `story_<subject>`, for each history where it begins and where it leads to. Both name the
    row of the subject as `owner`.

    Args:
        desk: The load.
        subject: sections, registrations, term_registrations or enrolments.
        keep: Whether the rows of the subject are to be changed.
    """
    story = STORIES[subject]
    cells.judge(desk, subject, keep=keep)
    cells.judge(desk, story.events)
    settling.refer(desk, subject)
    _say_moves(desk, story)
    _judge_words(desk, story)
    _judge_days(desk, story)
    _own(desk, story)
    _walk(desk, story)
    _judge_owners(desk, story)


def _say_moves(desk: Desk, story: Story) -> None:
    action, before, after = zip(*story.steps(), strict=True)
    rows = pa.table({"action": action, "before": before, "after": after})
    columns = dict.fromkeys(("action", "before", "after"), "VARCHAR")
    desk.keep(f"move_{story.subject}", columns, rows.to_batches())
    # One byte each, of which there are millions.
    states = sorted({NOT_YET, *before, *after})
    for name, words in (("action", sorted(set(action))), ("state", states)):
        listed = ", ".join(f"'{word}'" for word in words)
        desk.run(f"CREATE TYPE {name}_of_{story.subject} AS ENUM ({listed})")


def _judge_words(desk: Desk, story: Story) -> None:
    """Find actions and reasons that are none, and what an action says nothing without."""
    events = f"cast_{story.events}"
    for field, words in (("action", list(story.moves)), ("reason", list(story.reasons))):
        known = ", ".join(f"'{word}'" for word in words)
        told = ", ".join(words)
        desk.find(
            story.events, "word",
            f"SELECT n, place, '{field}', '{told}' FROM {events} WHERE {field} NOT IN ({known})",  # noqa: S608 - our own words
        )  # fmt: skip
    graded = ", ".join(f"'{action}'" for action in story.needs_grade())
    if graded:
        desk.find(
            story.events, "empty",
            f"SELECT n, place, 'grade', '' FROM {events} WHERE action IN ({graded}) "  # noqa: S608
            "AND grade IS NULL",
        )  # fmt: skip


def _judge_days(desk: Desk, story: Story) -> None:
    wrong = {
        "last_attended_on": ("last_attended_on > effective_on", "Nobody attends after leaving."),
        "ends_on": ("ends_on < effective_on", "It ends before it begins."),
    }
    held = {column.name for column in TABLES[story.events].columns}
    for field in sorted(held & set(wrong)):
        condition, what = wrong[field]
        desk.find(
            story.events, "unfit",
            f"SELECT n, place, '{field}', '{what}' FROM cast_{story.events} WHERE {condition}",  # noqa: S608
        )  # fmt: skip


def _own(desk: Desk, story: Story) -> None:
    """Say to which row of the subject each event belongs; those of none are found."""
    same = " AND ".join(f"o.{name} = e.{name}" for name in story.by)
    again = f"SELECT n FROM finding WHERE tab = '{story.subject}' AND why = 'twice'"  # noqa: S608
    desk.run(
        f"CREATE TABLE owned_{story.subject} AS SELECT e.n, o.n AS owner "  # noqa: S608
        f"FROM cast_{story.events} AS e JOIN (SELECT * FROM cast_{story.subject} "
        f"WHERE n NOT IN ({again})) AS o ON {same}"
    )
    whole = " AND ".join(f"e.{name} IS NOT NULL" for name in story.by)
    desk.find(
        story.events, "unknown",
        f"SELECT e.n, e.place, '{story.by[0]}', '' FROM cast_{story.events} AS e "  # noqa: S608
        f"ANTI JOIN owned_{story.subject} AS o ON o.n = e.n WHERE {whole}",
    )  # fmt: skip


def _walk(desk: Desk, story: Story) -> None:
    subject = story.subject
    held = [column.name for column in TABLES[story.events].columns if column.name in _SAID]
    said = ", ".join(f"e.{name}" for name in held)
    action, state = f"action_of_{subject}", f"state_of_{subject}"
    desk.run(
        f"CREATE TABLE step_{subject} AS SELECT e.n, o.owner, e.action::{action} AS action, "  # noqa: S608
        f"e.effective_on, {said}, coalesce(lag(m.after) OVER w, '{NOT_YET}'::{state}) AS before, "
        f"m.after FROM {desk.good(story.events)} AS e JOIN owned_{subject} AS o ON o.n = e.n "
        f"JOIN (SELECT DISTINCT action, after::{state} AS after FROM move_{subject}) AS m "
        "ON m.action = e.action WINDOW w AS (PARTITION BY o.owner ORDER BY e.effective_on, e.n)"
    )
    desk.run(f"DROP TABLE owned_{subject}")
    _find_illegal(desk, story)
    desk.run(
        f"CREATE TABLE story_{subject} AS SELECT owner, min(effective_on) AS begins_on, "  # noqa: S608
        "arg_max(after, when_at) AS state, max(effective_on) AS since, "
        "arg_max(after, when_at) FILTER (effective_on <= ?) AS now, "
        "max(effective_on) FILTER (effective_on <= ?) AS now_since, "
        "arg_max(n, when_at) AS last_n FROM (SELECT *, "
        # Days first, then the order in which they came: one number for both.
        "(effective_on - DATE '0001-01-01') * 1000000000000 + n AS when_at "
        f"FROM step_{subject}) GROUP BY owner",
        (desk.today, desk.today),
    )


def _find_illegal(desk: Desk, story: Story) -> None:
    """Find the first step of each history that is not legal; what comes after follows from it."""
    moves, subject = f"move_{story.subject}", story.subject
    desk.run(
        "CREATE OR REPLACE TABLE lacking AS SELECT s.n, s.owner, s.action, s.before, "  # noqa: S608
        f"s.effective_on FROM step_{subject} AS s ANTI JOIN {moves} AS m "
        "ON m.action = s.action AND m.before = s.before"
    )
    desk.find(
        story.events, "illegal",
        "SELECT s.n, e.place, 'action', s.action || ' asks for ' || m.asked || ', and on ' || "  # noqa: S608
        "s.effective_on || ' it is ' || if(s.before = '', 'not there yet', s.before::VARCHAR) "
        "FROM (SELECT *, row_number() OVER (PARTITION BY owner ORDER BY effective_on, n) AS nth "
        f"FROM lacking) AS s JOIN cast_{story.events} AS e ON e.n = s.n JOIN (SELECT action, "
        "string_agg(if(before = '', 'nothing before it', before), ' or ' ORDER BY before) "
        f"AS asked FROM {moves} GROUP BY action) AS m ON m.action = s.action WHERE s.nth = 1",
    )  # fmt: skip


def _judge_owners(desk: Desk, story: Story) -> None:
    """Leave out what has no history, or one of which something is not taken."""
    subject, events = story.subject, story.events
    field = story.by[0]
    same = " AND ".join(f"o.{name} = c.{name}" for name in story.by)
    desk.find(
        subject, "broken history",
        f"SELECT o.n, o.place, '{field}', min(c.place) FROM {desk.good(subject)} AS o "  # noqa: S608
        f"JOIN (SELECT c.* FROM cast_{events} AS c SEMI JOIN finding AS f "
        f"ON f.tab = '{events}' AND f.n = c.n AND f.is_error) AS c ON {same} GROUP BY ALL",
    )  # fmt: skip
    desk.find(
        subject, "no history",
        f"SELECT o.n, o.place, '{field}', '' FROM {desk.good(subject)} AS o "  # noqa: S608
        f"ANTI JOIN story_{subject} AS e ON e.owner = o.n",
    )  # fmt: skip


def attach(desk: Desk, subject: str) -> None:
    """Find the events of which the subject is not taken, and let go of them."""
    story = STORIES[subject]
    if subject not in desk.wrong:
        return
    desk.find(
        story.events, "parent",
        f"SELECT e.n, e.place, '{story.by[0]}', '' FROM cast_{story.events} AS e SEMI JOIN "  # noqa: S608
        f"(SELECT s.n FROM step_{subject} AS s ANTI JOIN numbered_{subject} AS i "
        "ON i.n = s.owner) AS s ON s.n = e.n",
    )  # fmt: skip


def compare(desk: Desk, subject: str, there: Iterable[pa.RecordBatch]) -> None:
    """Say of which subjects that are there already the bundle tells another history.

    Args:
        desk: The load.
        subject: Which table.
        there: The events of all of them: `owner`, `id`, `action`, `effective_on`, `supersedes`.
    """
    story = STORIES[subject]
    if not desk.there.get(subject):
        return
    desk.keep(f"past_{subject}", _THERE, there)
    _without_void(desk, f"past_{subject}")
    told = "count(*) AS events, string_agg(action || ' ' || effective_on, ', ' ORDER BY"
    desk.find(
        subject, "history differs",
        f"SELECT i.n, o.place, '{story.by[0]}', coalesce(p.events, 0) || ' events there, ' "  # noqa: S608
        f"|| coalesce(s.events, 0) || ' here' FROM numbered_{subject} AS i "
        f"JOIN cast_{subject} AS o ON o.n = i.n "
        f"JOIN (SELECT owner, {told} effective_on, n) AS told FROM step_{subject} "
        f"WHERE owner IN (SELECT n FROM numbered_{subject} WHERE NOT is_new) GROUP BY owner) "
        "AS s ON s.owner = i.n "
        f"LEFT JOIN (SELECT owner, {told} effective_on, id) AS told FROM past_{subject} "
        "GROUP BY owner) AS p ON p.owner = i.id "
        "WHERE NOT i.is_new AND p.told IS DISTINCT FROM s.told",
    )  # fmt: skip
    known = f"SELECT n FROM numbered_{subject} WHERE NOT is_new"  # noqa: S608
    count = f"SELECT count(*) FROM step_{subject} WHERE owner IN ({known})"  # noqa: S608
    desk.count(story.events, there=desk.number(count))


def gather(desk: Desk, subject: str, take_numbers: Callable[[str, int], int]) -> None:
    """Make `new_<events>`: the events of what is new, each with an `id` and its `subject_id`."""
    story = STORIES[subject]
    new = f"FROM step_{subject} AS s JOIN numbered_{subject} AS i ON i.n = s.owner AND i.is_new"
    count = desk.number(f"SELECT count(*) {new}")
    first = take_numbers(story.events, count) if count else 0
    desk.run(
        f"CREATE TEMP VIEW new_{story.events} AS SELECT row_number() OVER (ORDER BY s.n) - 1 "
        f"+ {first} AS id, i.id AS subject_id, s.* {new}"
    )


def _without_void(desk: Desk, table: str) -> None:
    """Take out of a table of events what later ones took back, and what took it back."""
    links = desk.rows(
        f"SELECT id, supersedes FROM {table} WHERE supersedes IS NOT NULL ORDER BY id DESC"  # noqa: S608
    )
    void: set[int] = set()
    for number, superseded in links:
        if number not in void:
            void.add(superseded)
    gone = ", ".join(map(str, sorted(void))) or "-1"
    desk.run(f"DELETE FROM {table} WHERE action = 'reverse' OR id IN ({gone})")  # noqa: S608


def count_unreasoned(desk: Desk) -> None:
    """Say how many events were taken without a reason for which an ordinary act asks."""
    for story in STORIES.values():
        asking = [n for n, move in story.moves.items() if getattr(move, "needs_reason", False)]
        count = _count_new(desk, story, asking, "AND s.reason IS NULL")
        if count:
            desk.note(story.events, "no reason", str(count))


def count_results(desk: Desk) -> int:
    """Count the marks, completions and awards of what is new."""
    return sum(_count_new(desk, story, story.results()) for story in STORIES.values())


def _count_new(desk: Desk, story: Story, actions: Sequence[str], also: str = "") -> int:
    if not actions:
        return 0
    named = ", ".join(f"'{action}'" for action in actions)
    return desk.number(
        f"SELECT count(*) FROM step_{story.subject} AS s JOIN numbered_{story.subject} AS i "  # noqa: S608
        f"ON i.n = s.owner AND i.is_new WHERE s.action IN ({named}) {also}"
    )
