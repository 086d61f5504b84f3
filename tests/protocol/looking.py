"""What a campus's ledger, audit and target hold, as the laws look at it."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING

from tests.protocol.laws import Act, Copy, Effect, Link, Record, broken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLOW = "accounts"


def tell(folder: Path, *, at_rest: bool) -> int:
    """Print every law that a copy breaks; the exit code says whether there is one."""
    from matricula.cli import sitting

    sitting.look()
    wrong = [
        f"{key}: {how}" for key, copy in copies(folder) for how in broken(copy, at_rest=at_rest)
    ]
    sys.stdout.write("\n".join(wrong))
    return 1 if wrong else 0


def copies(folder: Path) -> Iterator[tuple[str, Copy]]:
    """Give every copy that the ledger, the audit or the target knows anything of."""
    effects, links, acts, records = _effects(), _links(), _acts(), _records(folder)
    for key in sorted({*effects, *links, *acts, *records}):
        yield key, Copy(tuple(effects[key]), links.get(key), tuple(acts[key]), tuple(records[key]))


def _effects() -> dict[str, list[Effect]]:
    from matricula.hub import ledger, models

    found: dict[str, list[Effect]] = defaultdict(list)
    rows = models.Effect.objects.filter(flow=FLOW).annotate(standing=ledger.standing())
    for e in rows.order_by("id"):
        found[e.key].append(Effect(e.run, e.kind, e.standing, _holds(e.after)))
    return found


def _links() -> dict[str, Link]:
    from matricula.hub import models

    return {
        link.key: Link(link.state, _holds(link.confirmed), link.external_id)
        for link in models.Link.objects.filter(flow=FLOW)
    }


def _holds(text: str | None) -> object:
    return json.dumps(json.loads(text), sort_keys=True) if text else None


def _acts() -> dict[str, list[Act]]:
    from matricula.audit import rows

    found: dict[str, list[Act]] = defaultdict(list)
    query = (
        "SELECT v.key, a.run, a.action FROM audit_entry e JOIN audit_act a ON a.number = e.act "
        "JOIN audit_value v ON v.seq = e.seq WHERE a.flow = %s AND a.entity = 'student' "
        "ORDER BY e.seq"
    )
    for key, run, action in rows.fetch(query, (FLOW,)):
        found[str(key)].append(Act(run, str(action)))
    return found


def _records(folder: Path) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    with closing(sqlite3.connect(folder / "lms.db", timeout=30)) as database:
        for number, key, version in database.execute("SELECT id, idnumber, version FROM users"):
            holds = json.dumps({"idnumber": key, "version": version}, sort_keys=True)
            found[key].append(Record(str(number), holds))
    return found
