"""The charter by which requests are answered: that of its folder, read again when it changes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from matricula.charter.compile import compile_charter
from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from matricula.charter.model import Charter

_Seen = tuple[tuple[str, int, int], ...]
_lock = threading.Lock()
_kept: dict[Path, tuple[_Seen, Charter]] = {}


def present() -> Charter:
    """Give the charter. While somebody is half way through editing it, the last one counts.

    Raises:
        CharterRefused: It has errors, and there was none before.
    """
    folder = Path(settings.CHARTER)
    seen = _seen(folder)
    with _lock:
        before = _kept.get(folder)
        if before and before[0] == seen:
            return before[1]
        try:
            charter = compile_charter(folder, today=timezone.now().date())
        except MatriculaError:
            if before is None:
                raise
            # Not compiled again for every request until it changes once more.
            charter = before[1]
        _kept[folder] = (seen, charter)
        return charter


def _seen(folder: Path) -> _Seen:
    """Tell one state of the files from another without reading them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in files)
