"""The HTTP side: one address, forms in, JSON out, and every error as a 200."""

from __future__ import annotations

import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.serving import Handler, Server, serving
from matricula.connectors.moodle.simulator import people, spaces, taking_part
from matricula.connectors.moodle.simulator.forms import read_form
from matricula.connectors.moodle.simulator.parameters import MoodleError, checked
from matricula.connectors.moodle.simulator.site import ADMIN, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INFO = "core_webservice_get_site_info"
_FUNCTIONS: dict[str, Callable[..., Any]] = {}
for _part in (people.FUNCTIONS, spaces.FUNCTIONS, taking_part.FUNCTIONS):
    _FUNCTIONS.update(_part)  # type: ignore[arg-type]  # each takes arguments of its own
_SHAPES: dict[str, Any] = {**people.SHAPES, **spaces.SHAPES, **taking_part.SHAPES, _INFO: {}}
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_OWN = ("wstoken", "wsfunction", "moodlewsrestformat")


@dataclass
class Fault:
    """Something that goes wrong with calls of a function.

    Attributes:
        function: Its name; empty is any.
        times: How many calls; it is over afterwards.
        is_done: Whether the call has its effect before it goes wrong.
        code: Answer with this error.
        status: Answer with this HTTP status, and `headers`.
        body: Answer with this instead of JSON.
        drops: Hang up instead of answering.
        wait_seconds: Wait before answering.
    """

    function: str = ""
    times: int = 1
    is_done: bool = False
    code: str | None = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    drops: bool = False
    wait_seconds: float = 0.0


@dataclass
class Moodle:
    """A running Moodle. Everything may be changed at any time.

    Attributes:
        site: What it holds.
        url: Its address.
        token: The one that it lets in.
        functions: What the token's external service has.
        max_input_vars: Variables that PHP reads of a call.
        latency_seconds: Added to every call.
        is_closed: In maintenance, as its web services say.
        is_careless: Shows `debuginfo`, with everything that the database was asked.
        faults: The first that fits a call strikes it.
        calls: The functions that were called, in order.
    """

    site: Site
    url: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    functions: set[str] = field(default_factory=lambda: {*_FUNCTIONS, _INFO})
    max_input_vars: int = 5000
    latency_seconds: float = 0.0
    is_closed: bool = False
    is_careless: bool = False
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, function: str) -> int:
        """Count the calls of a function."""
        return self.calls.count(function)

    def answer(self, form: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
        """Do what a call asks for."""
        function = str(form.get("wsfunction", ""))
        try:
            with self._lock:
                return self._called(function, form)
        except MoodleError as error:
            return self._refusal(error)

    def _called(self, function: str, form: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
        if str(form.get("wstoken", "")) != self.token:
            raise MoodleError("invalidtoken", "Invalid token - token not found")
        if self.is_closed:
            raise MoodleError("sitemaintenance", "The site is undergoing maintenance")
        if function not in _SHAPES:
            message = "Can't find data record in database table external_functions."
            raise MoodleError("invalidrecord", message)
        if function not in self.functions:
            raise MoodleError("accessexception", "Access control exception")
        given = {
            name: value
            for name, value in form.items()
            if name not in _OWN and not name.startswith("moodlewssetting")
        }
        shape = _SHAPES[function]
        shape = shape(given) if callable(shape) else shape
        if function == _INFO:
            return self._info()
        do = _FUNCTIONS[function]
        optional = {
            n for n, one in signature(do).parameters.items() if one.default is not one.empty
        }
        top = {name: one for name, one in shape.items() if name in given or name not in optional}
        self.site.journal.clear()
        return do(self.site, **checked(top, given))

    def _info(self) -> dict[str, Any]:
        return {
            "sitename": "Northfield",
            "username": "admin",
            "userid": ADMIN,
            "release": "4.5.6 (Build: 20250811)",
            "version": "2024100706",
            "functions": [
                {"name": one, "version": "2024100706"} for one in sorted(self.functions)
            ],
        }

    def _refusal(self, error: MoodleError) -> dict[str, Any]:
        answer: dict[str, Any] = {"exception": "core\\exception\\moodle_exception"}
        if error.code is not None:
            answer["errorcode"] = error.code
        answer["message"] = error.message
        if self.is_careless:
            answer["debuginfo"] = f"INSERT INTO mdl_user VALUES ({error.about!r})"  # noqa: S608 - a sample
        return answer

    def struck(self, function: str) -> Fault | None:
        """Take the fault that strikes a call, if any does."""
        with self._lock:
            self.calls.append(function)
            for one in self.faults:
                if one.times > 0 and one.function in ("", function):
                    one.times -= 1
                    return one
        return None


class _Handler(Handler):
    server: Server[Moodle]

    def answer(self) -> None:
        """Answer a call."""
        moodle, body = self.server.state, self.posted()
        if self.path.partition("?")[0] != "/webservice/rest/server.php":
            self.send(404, b"Not found")
            return
        form = read_form(body, moodle.max_input_vars)
        fault = moodle.struck(str(form.get("wsfunction", "")))
        if moodle.latency_seconds:
            time.sleep(moodle.latency_seconds)
        if fault is None:
            self.send(200, json.dumps(moodle.answer(form)).encode(), _JSON)
        else:
            self._strike(fault, form)

    def _strike(self, fault: Fault, form: dict[str, Any]) -> None:
        if fault.wait_seconds:
            time.sleep(fault.wait_seconds)
        moodle = self.server.state
        done = moodle.answer(form) if fault.is_done else None
        if fault.drops:
            self.close_connection = True
            return
        if fault.code != "":
            error = MoodleError(fault.code, "error", form)
            done = moodle._refusal(error)  # noqa: SLF001 - one server in two classes
        body = fault.body or json.dumps(done).encode()
        self.send(fault.status, body, {**_JSON, **fault.headers})


@contextmanager
def serve(site: Site | None = None, port: int = 0) -> Iterator[Moodle]:
    """Run a Moodle on a loopback port, and end it afterwards.

    Args:
        site: What it holds; a freshly installed one when left out.
        port: A free one when left out.
    """
    with serving(_Handler, lambda url: Moodle(site or Site(), url), port=port) as moodle:
        yield moodle
