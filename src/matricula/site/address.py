"""The address under which other systems reach us, judged at the start."""

from __future__ import annotations

from urllib.parse import urlsplit

from matricula.kernel.errors import SettingMissing

_LOCAL = ("localhost", "127.0.0.1", "::1")


def served_at(url: str) -> str:
    """Give the address without its last slash; empty when there is none.

    Raises:
        SettingMissing: It has no host, a path, or is not encrypted (M759).
    """
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    plain = host is not None and parts.path.strip("/") == "" and not parts.query
    safe = host is not None and (
        parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)
    )
    if not plain or not safe or parts.username:
        raise SettingMissing(
            "M759", "The address of what is served is not understood.",
            cure="Write https://host, without a path.", place="MATRICULA_API_URL",
        )  # fmt: skip
    return url.rstrip("/")
