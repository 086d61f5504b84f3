"""Run scim2-server so that it can be stopped and started again: its records outlive it in a file.

The first word is that file, the others are scim2-server's own.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from scim2_server.testserver import cli

KEPT = Path(sys.argv.pop(1))
_storages: list[Any] = []


class Keeping(cli.BearerTokenApplication):
    """Begins with the records that were kept."""

    def __init__(self, storage: Any, provider: Any, **more: Any) -> None:
        super().__init__(storage, provider, **more)
        told = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else []
        models = {model.__name__: model for model in provider.models}
        storage.resources = [models[one["meta"]["resourceType"]](**one) for one in told]
        _storages.append(storage)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    cli.BearerTokenApplication = Keeping
    cli.main()
    told = [one.model_dump(mode="json", exclude_none=True) for one in _storages[0].resources]
    KEPT.write_text(json.dumps(told), encoding="utf-8")
