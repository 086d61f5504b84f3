"""The small Canvas on a loopback port: tokens, pages, throttling, imports run by themselves."""

from __future__ import annotations

import itertools
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Queue
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from matricula.connectors.canvas.simulator.batch import Batch, Said, less, sheets
from matricula.connectors.canvas.simulator.campus import Campus
from matricula.connectors.canvas.simulator.importers import row_of
from matricula.connectors.canvas.simulator.rest import Listed, Query, Refused, Rest, import_json
from matricula.connectors.kit.serving import Handler, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERYTHING = frozenset({
    "read_sis", "import_sis", "manage_sis", "read_roster", "read_course_list", "view_all_grades",
    "manage_user_logins",
})  # fmt: skip
_SUCCEEDED = ("imported", "imported_with_messages")
_DEFAULT_PAGE, _LARGEST_PAGE = 10, 100
_HIGH_WATER = 600.0
_WAIT_SECONDS = 5.0


@dataclass(slots=True)
class Simulator:
    """A small Canvas that runs, with the switches of its failures.

    Attributes:
        url: Its address.
        campus: What it holds; change it as people do by hand.
        token: The only token that it knows.
        expired: Tokens that were good once.
        granted: The permissions of the token's owner.
        imports_enabled: Whether the account takes SIS imports.
        throttled: So many calls are answered "too fast".
        throttle_status: With which status: 403, or 429 as newer ones do.
        stalled: While set, imports stay where they are.
        lost_answers: So many uploads take effect and are never answered.
        away: While set, calls are hung up on unread.
        revoked_by_imports: Permissions that are taken away once an import is handed over.
        ignored: Filters that lists do not heed.
        broken_at: An import breaks down at its row of this number; 0 is never.
        calls: Method and path of every call.
    """

    url: str
    campus: Campus = field(default_factory=Campus)
    token: str = "small-canvas-token"  # noqa: S105 - of a server that lives for one test
    expired: set[str] = field(default_factory=set)
    granted: set[str] = field(default_factory=lambda: set(EVERYTHING))
    imports_enabled: bool = True
    throttled: int = 0
    throttle_status: int = 403
    stalled: threading.Event = field(default_factory=threading.Event)
    lost_answers: int = 0
    away: threading.Event = field(default_factory=threading.Event)
    revoked_by_imports: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    broken_at: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    batches: dict[int, Batch] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    queue: Queue[Batch | None] = field(default_factory=Queue)
    rest: Rest = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Make what shows its records, as they are and as the token's owner may see them."""
        self.rest = Rest(self.campus, self.batches, self.granted)

    def take(self, package: bytes, options: dict[str, str]) -> Batch:
        """Take an import in; it runs when those before it are through."""
        with self.lock:
            batch = Batch(next(self._numbers), options, package)
            self.batches[batch.id] = batch
            self.granted -= self.revoked_by_imports
        self.queue.put(batch)
        return batch

    def work(self) -> None:
        """Run imports one after the other until there is None in the queue."""
        while (batch := self.queue.get()) is not None:
            while self.stalled.is_set():
                threading.Event().wait(0.005)
            with self.lock:
                self._run(batch)

    def _run(self, batch: Batch) -> None:
        batch.state = "importing"
        told = sheets(batch)
        before = self._before(batch)
        if before is not None:
            told = less(batch, told, sheets(Batch(0, {}, before.package)))
        done = 0
        for sheet in told:
            for line in sheet.lines:
                done += 1
                if self.broken_at and done >= self.broken_at:
                    broken = "Error while importing CSV. Please contact support. (Error report 7)"
                    batch.said.append(Said(broken, sheet.file, failure=True))
                    batch.finish()
                    return
                said = row_of(self.campus, batch, sheet.kind, line)
                if said:
                    batch.said.append(Said(said, sheet.file, line.number or None))
            batch.counts[f"{sheet.kind}s"] = len(sheet.lines)
        batch.finish()

    def _before(self, batch: Batch) -> Batch | None:
        if not batch.label or batch.on("diffing_remaster_data_set"):
            return None
        same = [
            one
            for one in self.batches.values()
            if one.label == batch.label and one.id < batch.id and one.state in _SUCCEEDED
        ]
        return same[-1] if same else None


class _Handler(Handler):
    server: Server[Simulator]

    def answer(self) -> None:
        """Show something, or take an import in."""
        canvas = self.server.state
        if canvas.away.is_set():
            self.close_connection = True
            return
        body = self.posted()
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query, keep_blank_values=True)
        query = {name: values for name, values in asked.items() if name not in canvas.ignored}
        path = parts.path.removesuffix(".json")
        with canvas.lock:
            canvas.calls.append((self.command, self.path))
            too_fast = canvas.throttled > 0
            canvas.throttled -= too_fast
        if too_fast:
            self._send(
                canvas.throttle_status, b"403 Forbidden (Rate Limit Exceeded)\n", remaining=0.0
            )
            return
        try:
            self._let_in(canvas)
            if self.command == "POST":
                self._post(path, query, body)
            else:
                self._get(path, query)
        except Refused as refusal:
            told = {"errors": [{"message": refusal.message}]}
            status = refusal.status
            headers = {"WWW-Authenticate": 'Bearer realm="canvas-lms"'} if status == 401 else {}  # noqa: PLR2004 - HTTP's word for it
            self._send(status, json.dumps(told).encode(), headers=headers)

    def _let_in(self, canvas: Simulator) -> None:
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if given in canvas.expired:
            raise Refused(401, "Expired access token.")
        if given != canvas.token:
            raise Refused(401, "Invalid access token.")

    def _get(self, path: str, query: Query) -> None:
        canvas = self.server.state
        if "/sis_imports" in path and not canvas.imports_enabled:
            raise Refused(403, "SIS imports are not enabled for this account")
        with canvas.lock:
            # What is escaped in an address is part of a name.
            answer = canvas.rest.answer(unquote(path), query)
            if isinstance(answer, Listed):
                self._page(answer, path, query)
                return
            body = json.dumps(answer).encode()
        self._send(200, body)

    def _page(self, listed: Listed, path: str, query: Query) -> None:
        size = min(int(query.get("per_page", [str(_DEFAULT_PAGE)])[0]), _LARGEST_PAGE)
        number = int(query.get("page", ["1"])[0])
        start = (number - 1) * size
        page = [show() for show in listed.records[start : start + size]]
        last = max(1, -(-len(listed.records) // size))
        links = {"current": number, "first": 1, "last": last}
        if number < last:
            links["next"] = number + 1
        told = {name: values for name, values in query.items() if name not in ("page", "per_page")}
        base = f"{self.server.state.url}{path}"
        link = ",".join(
            f"<{base}?{urlencode({**told, 'page': [n], 'per_page': [size]}, doseq=True)}>; "
            f'rel="{relation}"'
            for relation, n in links.items()
        )
        body = json.dumps({listed.inside: page} if listed.inside else page).encode()
        self._send(200, body, headers={"Link": link})

    def _post(self, path: str, query: Query, body: bytes) -> None:
        canvas = self.server.state
        if not path.endswith("/sis_imports"):
            raise Refused(404, "The specified resource does not exist.")
        if not canvas.imports_enabled:
            raise Refused(403, "SIS imports are not enabled for this account")
        if not {"import_sis", "manage_sis"} & canvas.granted:
            raise Refused(403, "user not authorized to perform that action")
        if query.get("batch_mode", ["false"])[0] not in ("false", "0"):
            raise Refused(
                400, "Batch mode specified, but the given batch_mode_term_id cannot be found."
            )
        batch = canvas.take(body, {name: values[-1] for name, values in query.items()})
        with canvas.lock:
            lost = canvas.lost_answers > 0
            canvas.lost_answers -= lost
        if lost:
            self.close_connection = True
            return
        self._send(200, json.dumps(import_json(batch)).encode())

    def _send(
        self,
        status: int,
        body: bytes,
        *,
        headers: dict[str, str] | None = None,
        remaining: float = _HIGH_WATER,
    ) -> None:
        told = {
            "Content-Type": "application/json; charset=utf-8",
            "X-Request-Cost": "0.02",
            "X-Rate-Limit-Remaining": str(remaining),
        }
        self.send(status, body, {**told, **(headers or {})})


@contextmanager
def running_canvas() -> Iterator[Simulator]:
    """Run a small, empty Canvas on a free loopback port."""
    with serving(_Handler, Simulator) as canvas:
        imports = threading.Thread(target=canvas.work, daemon=True)
        imports.start()
        try:
            yield canvas
        finally:
            canvas.stalled.clear()
            canvas.queue.put(None)
            imports.join(_WAIT_SECONDS)
