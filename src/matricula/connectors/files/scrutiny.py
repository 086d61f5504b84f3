"""Look at rows as they pass: keys that repeat, are blank or damaged; odd characters.

Keys decide whether a reading may be trusted at all. Odd values elsewhere are findings.
Records are told by their number: where columns have shifted, even a key is a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute

from matricula.connectors.kit.errors import Untrusted
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.connectors.files.settings import FileResource

# The published stubs of `pyarrow.compute` lag behind it and refuse right calls.
pc: Any = pyarrow.compute
# What Excel makes of a long number, and of 10-20: neither was ever somebody's key.
_SPREADSHEET = (
    r"^[0-9](\.[0-9]+)?[eE]\+[0-9]+$|^[0-9]{1,2}-[A-Z][a-z]{2}$|^[A-Z][a-z]{2}-[0-9]{2}$"
)
# UTF-8 that was once read as Latin-1 or cp1252, and the sign of a character already lost.
_MOJIBAKE = "[ÂÃ][\u0080-\u00bf]|â€[™œ\u009d“”\u02dc¦]|\ufffd"


# Arrow looks for what a bare value might be, modules that are not installed included.
_NOTHING = pa.scalar("", pa.string())
_TRUE, _FALSE = pa.array([True, False], pa.bool_())


class Scrutiny:
    """What has been seen of one reading so far.

    Args:
        resource: What the charter says about it.
        place: `system.resource`, for findings.
        name: The file's, for refusals.
    """

    def __init__(self, resource: FileResource, *, place: str, name: str) -> None:
        self._resource = resource
        self._place = place
        self._name = name
        self._keys: list[pa.Array[Any]] = []
        self._blank = 0
        self._first_blank = 0
        self._odd: dict[str, int] = {}
        self._first_odd: dict[str, int] = {}
        self.rows = 0

    def identify(self, batch: pa.RecordBatch) -> pa.Array[Any]:
        """Make the `_id` of every row of a batch and remember it.

        Raises:
            Untrusted: A value of the key, or one with a pattern, is damaged (M433).
        """
        parts = [_as_text(batch.column(name)) for name in self._resource.key]
        blank = pa.array([False] * batch.num_rows)
        for name, part in zip(self._resource.key, parts, strict=True):
            self._judge_form(name, part, _SPREADSHEET, wanted=False)
            trimmed = pc.equal(pc.utf8_trim_whitespace(part), _NOTHING)
            blank = pc.or_(blank, pc.fill_null(trimmed, _TRUE))
        for name, pattern in self._resource.patterns.items():
            self._judge_form(name, _as_text(batch.column(name)), f"^(?:{pattern})$", wanted=True)
        if (count := pc.sum(blank).as_py() or 0) and not self._blank:
            self._first_blank = self.rows + pc.index(blank, value=True).as_py() + 1
        self._blank += count
        ids = _joined(parts)
        self._keys.append(ids)
        self.rows += batch.num_rows
        return ids

    def look(self, batch: pa.RecordBatch) -> None:
        """Count values of the batch just identified that look damaged before they came here."""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            # Most columns are plain ASCII; there is nothing to look for in those.
            if not pa.types.is_string(column.type) or _is_plain(column):
                continue
            odd = pc.fill_null(pc.match_substring_regex(column, _MOJIBAKE), _FALSE)
            if count := pc.sum(odd).as_py():
                first = self.rows - batch.num_rows + pc.index(odd, value=True).as_py() + 1
                self._first_odd.setdefault(name, first)
                self._odd[name] = self._odd.get(name, 0) + count

    def findings(self) -> list[Finding]:
        """Say what was odd but bearable."""
        return [
            Finding(
                f"{self._place}.{name}",
                "M435",
                f"{count} value(s) hold characters that an earlier wrong decoding left behind; "
                f"the first is in record {self._first_odd[name]}.",
                "Have the source correct them; they were taken as they are.",
                "warning",
            )
            for name, count in sorted(self._odd.items())
        ]

    def must_identify_all(self) -> None:
        """Refuse rows without a key and keys that stand on several rows.

        Raises:
            Untrusted: Blank (M432) or duplicate (M431) keys.
        """
        key = " + ".join(self._resource.key)
        if self._blank:
            raise Untrusted(
                f"{self._name}: {self._blank} of {self.rows} records have no {key}; "
                f"the first is record {self._first_blank}.",
                code="M432",
                cure="Have the source fill the key of every record.",
            )
        count, records = _repeated(self._keys)
        if count:
            raise Untrusted(
                f"{self._name}: {count} value(s) of {key} stand on more than one record, first on "
                f"{' and '.join(map(str, records))}.",
                code="M431",
                cure="Have the source send each record once, or name the full key.",
            )

    def _judge_form(self, name: str, column: pa.Array[Any], pattern: str, *, wanted: bool) -> None:
        fits = pc.match_substring_regex(column, pattern)
        fits = pc.fill_null(fits, _TRUE if wanted else _FALSE)
        wrong = pc.invert(fits) if wanted else fits
        if not (count := pc.sum(wrong).as_py()):
            return
        at = pc.index(wrong, value=True).as_py()
        raise Untrusted(
            f"{self._name}: {count} value(s) of {name} from record {self.rows + at + 1} on do "
            f"not have the agreed form; a spreadsheet may have changed them.",
            code="M433",
            cure="Have the export made again without opening it in a spreadsheet.",
        )


def _as_text(column: pa.Array[Any]) -> pa.Array[Any]:
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _joined(parts: Sequence[pa.Array[Any]]) -> pa.Array[Any]:
    """Join key parts as `kernel.keys.join_key` does, a column at a time."""
    if len(parts) == 1:
        return parts[0]
    escaped = []
    for part in parts:
        slashed = pc.replace_substring(part, pattern="\\", replacement="\\\\")
        escaped.append(pc.replace_substring(slashed, pattern="|", replacement="\\|"))
    joined: pa.Array[Any] = pc.binary_join_element_wise(*escaped, "|")
    return joined


def _is_plain(column: pa.Array[Any]) -> bool:
    return pc.all(pc.string_is_ascii(column)).as_py() is not False


def _repeated(keys: list[pa.Array[Any]]) -> tuple[int, list[int]]:
    """Count the keys that stand on several records, and number the first two records of one."""
    if not keys:
        return 0, []
    every: Any = pa.chunked_array(keys)
    counted: Any = pc.value_counts(every)
    often = counted.filter(pc.greater(counted.field("counts"), 1))
    if not len(often):
        return 0, []
    # Values are counted in the order in which they first stand there.
    places = pc.indices_nonzero(pc.equal(every, often.field("values")[0])).slice(0, 2)
    return len(often), [place + 1 for place in places.to_pylist()]
