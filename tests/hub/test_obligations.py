"""Obligations by themselves: what is asked, how often, and when one is closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import connection
from django.test.utils import CaptureQueriesContext

from matricula.charter.compile import compile_charter
from matricula.hub import obligations
from matricula.hub.desk import Desk
from matricula.hub.models import Effect, Link, Obligation, Promise

AT = datetime(2026, 10, 14, 9, tzinfo=UTC)
_CHARTER = Path(obligations.__file__).parents[1] / "cli" / "demo" / "charter"


def _desk(tmp_path: Path, at: datetime = AT) -> Desk:
    charter = compile_charter(_CHARTER, today=at.date())
    return Desk(charter, charter.text, _CHARTER, tmp_path, "tests", at)


def _owe(key: str, *, act: str = "act-1", flow: str = "library-patrons", **told: object) -> None:
    Obligation.objects.create(
        act=act, flow=flow, system="library", steward="library", key=key, kind="update",
        fields="category", made_at=AT, due_at=AT + timedelta(hours=4), **told,
    )  # fmt: skip


def _effect(key: str, state: str, *, at: datetime = AT + timedelta(minutes=1)) -> None:
    Effect.objects.create(
        run=f"run-{at:%H%M%S}", flow="library-patrons", key=key, kind="update", state=state,
        intended_at=at, settled_at=at,
    )  # fmt: skip


def _states(desk: Desk) -> dict[str, str]:
    return {one.key: one.state for one in obligations.owed(desk)}


def test_what_was_tried_since_is_told_by_its_last_effect(db, tmp_path):
    for key in ("due", "sent", "refused", "earlier"):
        _owe(key)
    _effect("sent", "unknown")
    _effect("refused", "deferred")
    _effect("refused", "refused", at=AT + timedelta(minutes=2))
    _effect("earlier", "answered", at=AT - timedelta(days=1))

    states = _states(_desk(tmp_path))

    assert states == {"due": "due", "sent": "sent", "refused": "refused", "earlier": "due"}


def test_past_its_time_it_is_overdue_whatever_was_tried(db, tmp_path):
    _owe("00000001")
    _effect("00000001", "deferred")

    late = _states(_desk(tmp_path, AT + timedelta(hours=5)))

    assert late == {"00000001": "overdue"}


def test_an_answered_effect_acknowledges_unless_the_pass_read_before_the_act(db, tmp_path):
    _owe("00000001")
    _owe("00000002")
    _effect("00000001", "answered")
    desk = _desk(tmp_path, AT + timedelta(minutes=1))

    flows, known = ["library-patrons"], obligations.last()
    obligations.acknowledge(desk, f"run-{desk.at:%H%M%S}", flows, upto=known)
    # Of the other the pass did not know yet when it read.
    _effect("00000002", "answered", at=AT + timedelta(minutes=2))
    later = _desk(tmp_path, AT + timedelta(minutes=2))
    obligations.acknowledge(later, f"run-{later.at:%H%M%S}", flows, upto=known - 1)

    assert _states(desk) == {"00000001": "acknowledged", "00000002": "due"}


def test_a_copy_that_waits_for_its_next_attempt_is_still_owed_though_no_pass_looks(db, tmp_path):
    _owe("refused")
    _owe("fine")
    Link.objects.create(flow="library-patrons", key="refused", state="refused")
    Link.objects.create(flow="library-patrons", key="fine", state="active")

    desk = _desk(tmp_path, AT + timedelta(minutes=5))
    obligations.agree(desk, _nothing_planned(), None, upto=obligations.last())

    assert _states(_desk(tmp_path)) == {"refused": "due", "fine": "nothing left"}


def test_a_pass_over_changes_closes_only_what_it_looked_at(db, tmp_path):
    import pyarrow as pa

    for key in ("looked at", "not looked at", "made since"):
        _owe(key)
    known = obligations.last() - 1
    looked = {"student": pa.table({"key": ["looked at", "made since"]})}

    obligations.agree(_desk(tmp_path), _nothing_planned(), looked, upto=known)

    assert _states(_desk(tmp_path)) == {
        "looked at": "nothing left", "not looked at": "due", "made since": "due",
    }  # fmt: skip


def test_what_a_flow_promised_that_is_gone_from_the_charter_is_owed_no_more(db, tmp_path):
    _owe("00000001", flow="a flow of last year")
    _owe("00000002")

    looked = {}
    obligations.agree(_desk(tmp_path), _nothing_planned(), looked, upto=obligations.last())

    assert _states(_desk(tmp_path)) == {"00000001": "nothing left", "00000002": "due"}


def test_what_is_owed_of_a_student_is_theirs_and_their_enrolments_and_of_nobody_else(db, tmp_path):
    for key in ("0001", "0001|BIO", "00012", "0002|0001"):
        _owe(key)

    found = obligations.owed(_desk(tmp_path), about="0001")

    assert [one.key for one in found] == ["0001", "0001|BIO"]


def test_the_list_takes_the_same_few_queries_however_long_it_is(db, tmp_path):
    desk = _desk(tmp_path)
    counts = []
    for start, end in ((0, 3), (3, 60)):
        for n in range(start, end):
            _owe(f"{n:08d}")
            _effect(f"{n:08d}", "deferred")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            obligations.owed(desk)
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_promises_about_what_the_charter_does_not_name_come_to_nothing_and_are_gone(db, tmp_path):
    obligations.promise("act-1", {"planet": ["mars"]}, at=AT)

    taken = obligations.work_out(_desk(tmp_path), "sis")

    assert taken == 1
    assert not Promise.objects.exists()
    assert not Obligation.objects.exists()


class _Part:
    flow, digest = "library-patrons", "a digest"


def _nothing_planned():
    """A plan of one flow that found nothing to do."""
    import pyarrow as pa

    from matricula.engine.plan import Plan

    nothing = pa.table({"flow": pa.array([], pa.string()), "key": pa.array([], pa.string())})
    return Plan("", (_Part(),), nothing, nothing, nothing, nothing, nothing, (), "")  # type: ignore[arg-type]  # of a flow its name and digest are asked
