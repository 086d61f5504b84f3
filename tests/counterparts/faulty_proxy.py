"""A proxy in front of a real server that breaks chosen calls in chosen ways.

Faults are tried in order; the first that fits a call and is not used up decides. A call
that no fault fits is passed on as it is.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PASSED_ON = (
    "Authorization", "Content-Type", "If-Match", "Accept", "x-koha-embed", "X-Okapi-Tenant",
    "X-Okapi-Token",
)  # fmt: skip
_PASSED_BACK = ("ETag", "Set-Cookie")


@dataclass
class Fault:
    """What goes wrong with a call.

    Attributes:
        method: Of the calls it concerns; all when empty.
        path: A part of their path and query.
        times: How many calls it breaks.
        forward: The server gets the call; otherwise it never hears of it.
        status: Answered in place of the server's; the server's own when 0.
        headers: Of such an answer.
        body: Of such an answer.
        drop: Hang up without an answer.
        cut: Hang up in the middle of the answer.
        twice: The server gets the call twice, and its second answer counts.
        wait_seconds: Before anything else.
        drip_seconds: Answer a space after every such pause, until the caller hangs up.
        without: Query parameters that the server never sees.
        change_query: Changes query parameters before the server sees them.
        rewrite: Changes the server's JSON answer.
        concerns: Chooses calls by their JSON body.
        translate: Changes the JSON body before the server gets it.
        before: Called before the call is passed on.
    """

    method: str = ""
    path: str = ""
    times: int = 1_000_000
    forward: bool = True
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    cut: bool = False
    twice: bool = False
    wait_seconds: float = 0.0
    drip_seconds: float = 0.0
    without: tuple[str, ...] = ()
    change_query: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    rewrite: Callable[[dict[str, Any]], object] | None = None
    before: Callable[[], object] | None = None
    concerns: Callable[[dict[str, Any]], bool] | None = None
    translate: Callable[[dict[str, Any]], object] | None = None

    def fits(self, method: str, path: str, body: bytes) -> bool:
        """Say whether a call is one that it concerns."""
        if self.method not in ("", method) or self.path not in path:
            return False
        return self.concerns is None or bool(body and self.concerns(json.loads(body)))


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        url: What to call in place of the server's address.
        faults: May be changed at any time.
        calls: Method and path with query of every call so far.
        bodies: Method, path and body of every call so far that had one.
    """

    url: str
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[tuple[str, str, bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_for(self, method: str, path: str, body: bytes) -> Fault:
        """Note a call and choose its fault."""
        with self.lock:
            self.calls.append((method, path))
            self.bodies += [(method, path, body)] if body else []
            for fault in self.faults:
                if fault.times > 0 and fault.fits(method, path, body):
                    fault.times -= 1
                    return fault
        return Fault()

    def count(self, method: str) -> int:
        """Count the calls with a method."""
        return sum(one == method for one, _ in self.calls)


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[Proxy]:
    """Run a proxy on a free loopback port.

    Args:
        upstream: Base address of the server behind it; the proxy's own has the same path.
    """
    parts = urlsplit(upstream)
    with httpx2.Client(timeout=30) as client, _Server(("127.0.0.1", 0), _Relay) as server:
        server.proxy = Proxy(f"http://127.0.0.1:{server.server_port}{parts.path}")
        server.origin = f"{parts.scheme}://{parts.netloc}"
        server.client = client
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.proxy
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy
    origin: str
    client: httpx2.Client

    def handle_error(self, *_: object) -> None:
        # A caller that has given up waiting is what some tests are about.
        pass


class _Relay(BaseHTTPRequestHandler):
    server: _Server

    def relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.proxy.fault_for(self.command, self.path, body)
        body = _rewritten(fault.translate, body)
        time.sleep(fault.wait_seconds)
        if fault.before is not None:
            fault.before()
        answer = self._passed_on(fault, body) if fault.forward else None
        if fault.twice:
            answer = self._passed_on(fault, body)
        if fault.drip_seconds:
            self._drip(fault.drip_seconds)
        elif fault.drop:
            self.close_connection = True
        elif fault.status or answer is None:
            self._answer(fault.status or 200, fault.headers, fault.body)
        elif fault.cut:
            self._answer(answer.status_code, {}, answer.content, cut=True)
        else:
            kept = {n: answer.headers[n] for n in _PASSED_BACK if n in answer.headers}
            kept["Content-Type"] = answer.headers.get("Content-Type", "text/plain")
            self._answer(answer.status_code, kept, _rewritten(fault.rewrite, answer.content))

    def _passed_on(self, fault: Fault, body: bytes) -> httpx2.Response:
        parts = urlsplit(self.path)
        given = [(n, v) for n, v in parse_qsl(parts.query) if n not in fault.without]
        query = [(n, fault.change_query.get(n, str)(v)) for n, v in given]
        address = f"{self.server.origin}{parts.path}" + (f"?{urlencode(query)}" if query else "")
        headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        return self.server.client.request(self.command, address, content=body, headers=headers)

    def _answer(
        self, status: int, headers: Mapping[str, str], content: bytes, *, cut: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut

    def _drip(self, pause: float) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b" ")
            time.sleep(pause)

    # http.server calls methods by these names.
    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = relay  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


def _rewritten(how: Callable[[dict[str, Any]], object] | None, content: bytes) -> bytes:
    if how is None or not content:
        return content
    record = json.loads(content)
    return json.dumps(how(record) or record).encode()
