"""Real systems that the demo connects to, each in a process of its own on this machine.

The same code starts them for the tests; the demo adds fixed ports and tokens, so that its
charter can name them.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.counterparts.scim_server import ScimServer

REPOSITORY = Path(__file__).resolve().parents[2]


def identity_provider(*, port: int = 0, token: str = "") -> AbstractContextManager[ScimServer]:
    """Run an empty SCIM identity provider; stop it at the end.

    Args:
        port: A loopback port; a free one when none is given.
        token: The bearer token it lets in; a new one when none is given.

    Returns:
        A context manager. Its value's `tenant("campus")` is the `url` for a charter.
    """
    if str(REPOSITORY) not in sys.path:
        sys.path.append(str(REPOSITORY))
    counterpart = importlib.import_module("tests.counterparts.scim_server")
    running: AbstractContextManager[ScimServer] = counterpart.scim_server(token=token, port=port)
    return running
