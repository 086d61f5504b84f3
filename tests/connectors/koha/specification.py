"""Koha's own description of its interface, as a judge of what is sent and answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jsonschema

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.connectors.koha.simulator.server import Exchange


@dataclass
class Specification:
    """The published description; `faults` grows with what breaks it."""

    path: Path
    faults: list[str] = field(default_factory=list)
    judged: int = 0

    @cached_property
    def whole(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    def judge(self, exchange: Exchange) -> None:
        """Compare a call and its answer with what the description says of its address."""
        self.judged += 1
        said = f"{exchange.method} {exchange.path} ({exchange.status})"
        operation = self._operation(exchange)
        if operation is None:
            self.faults.append(f"{said}: no such operation")
            return
        parameters = [self._resolved(one) for one in operation.get("parameters", [])]
        self._judge_query(exchange, parameters, said)
        bodies = [one["schema"] for one in parameters if one["in"] == "body" and exchange.sent]
        # A body that is meant to be refused is refused.
        if exchange.status != 400:
            self.faults += [
                f"{said}: sent {e}" for b in bodies for e in self._errors(b, exchange.sent)
            ]
        answer = operation["responses"].get(str(exchange.status))
        if answer is None:
            self.faults.append(f"{said}: no such status")
        elif answer.get("schema"):
            errors = self._errors(answer["schema"], exchange.answered)
            self.faults += [f"{said}: answered {error}" for error in errors]

    def _judge_query(
        self, exchange: Exchange, parameters: list[dict[str, Any]], said: str
    ) -> None:
        known = {one["name"] for one in parameters if one["in"] == "query"}
        self.faults += [
            f"{said}: no parameter {name}" for name in exchange.query if name not in known
        ]
        headers = [one for one in parameters if one["name"] == "x-koha-embed"]
        allowed = {word for one in headers for word in one["items"].get("enum", [])}
        self.faults += [f"{said}: no embed {one}" for one in exchange.embed if one not in allowed]

    def _operation(self, exchange: Exchange) -> dict[str, Any] | None:
        path = exchange.path.removeprefix(self.whole["basePath"])
        for pattern, methods in self.whole["paths"].items():
            if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", pattern), path):
                found: dict[str, Any] | None = methods.get(exchange.method.lower())
                return found
        return None

    def _resolved(self, one: dict[str, Any]) -> dict[str, Any]:
        reference = one.get("$ref", "")
        found: dict[str, Any] = (
            self.whole["parameters"][reference.rsplit("/", 1)[-1]] if reference else one
        )
        return found

    def _errors(self, schema: dict[str, Any], value: object) -> list[str]:
        whole = {**schema, "definitions": self.whole["definitions"]}
        validator = jsonschema.Draft4Validator(whole, format_checker=jsonschema.FormatChecker())
        return [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(value)]
