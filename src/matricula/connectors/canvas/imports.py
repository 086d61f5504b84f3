"""One SIS import: hand it over, wait until Canvas is through with it, fetch what it says.

An import is never batch mode, which deletes what a file does not mention. It carries a data
set identifier that is used once and never compared with anything: a name, by which it is
found among the imports when the answer to the upload is lost.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from matricula.connectors.canvas.standing import IMPORT_SIS
from matricula.connectors.kit.errors import ConnectorError, ReadBack, TryAgain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.canvas.wire import Record, Wire

_UNDER_WAY = frozenset({"initializing", "created", "importing", "cleanup_batch"})
_DONE = frozenset({"imported", "imported_with_messages"})
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_LOOKED_THROUGH = 3


@dataclass(frozen=True, slots=True)
class Message:
    """What Canvas says of a row.

    Attributes:
        file: The file; empty where Canvas does not say.
        row: Its line, the header being the first; 0 where Canvas does not say.
        text: Its words, which hold personal values: never shown.
    """

    file: str
    row: int
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """How an import ended.

    Attributes:
        number: Canvas's number of it.
        state: Its workflow state.
        messages: By file and line; the last word of a line where it has several.
        unplaced: Messages that name no line.
    """

    number: int
    state: str
    messages: Mapping[tuple[str, int], Message]
    unplaced: tuple[Message, ...]

    @property
    def went_through(self) -> bool:
        """Whether Canvas went through all rows, whatever it said of some."""
        return self.state in _DONE


@dataclass(frozen=True, slots=True)
class Importer:
    """Has zips imported.

    Attributes:
        wire: The way to Canvas.
        system: Its name in the charter.
        deadline_seconds: How long an import is waited for.
        labelled: Whether imports carry names.
    """

    wire: Wire
    system: str
    deadline_seconds: float
    labelled: bool

    def is_under_way(self) -> bool:
        """Tell whether an import of ours is not over, so that what is not there may yet come.

        Without names, any import may be ours.
        """
        pages = self.wire.pages(
            f"{self.wire.account}/sis_imports",
            what="imports",
            needs=IMPORT_SIS,
            params={"workflow_state[]": sorted(_UNDER_WAY)},
            inside="sis_imports",
        )
        ours = self._name() if self.labelled else ""
        return any(
            str(one.get("diffing_data_set_identifier") or "").startswith(ours)
            for page in pages
            for one in page
            if one.get("workflow_state") in _UNDER_WAY
        )

    def _name(self) -> str:
        return f"matricula:{self.system}:"

    def run(self, package: bytes, options: Mapping[str, str]) -> Result:
        """Import a zip and wait for the end.

        Raises:
            TryAgain, Stop, GiveUp: Nothing happened.
            ReadBack: Nobody knows, or it is not over by the deadline.
        """
        label = f"{self._name()}{secrets.token_hex(8)}"
        query = dict(options)
        if self.labelled:
            # Remastering: the data set is named and nothing is compared with it.
            query |= {"diffing_data_set_identifier": label, "diffing_remaster_data_set": "true"}
        try:
            number = int(self.wire.upload(package, query)["id"])
        except ReadBack as lost:
            number = self._found_again(label, lost)
        except (KeyError, TypeError, ValueError) as error:
            raise ReadBack(
                "The answer to an import names none.",
                code="M612",
                cure="Its rows are looked up before anything else.",
            ) from error
        try:
            return self._ended(number)
        except ReadBack:
            raise
        except ConnectorError as error:
            # It was handed over, so that whatever fails from here on leaves it open.
            raise _open(number, error.message) from error

    def _found_again(self, label: str, lost: ReadBack) -> int:
        if not self.labelled:
            raise lost
        pages = self.wire.pages(
            f"{self.wire.account}/sis_imports",
            what="imports",
            needs=IMPORT_SIS,
            inside="sis_imports",
        )
        try:
            newest = [one for page in islice(pages, _LOOKED_THROUGH) for one in page]
        except ConnectorError as error:
            raise lost from error
        for one in newest:
            if one.get("diffing_data_set_identifier") == label:
                return int(one["id"])
        raise lost

    def _ended(self, number: int) -> Result:
        until = self.wire.now() + self.deadline_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            state = self._state(number)
            if state not in _UNDER_WAY:
                return self._told(number, state)
            if self.wire.now() + pause > until:
                raise _open(number, "it is not over by the deadline")
            self.wire.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def _state(self, number: int) -> str:
        try:
            told: Record | None = self.wire.get(
                f"{self.wire.account}/sis_imports/{number}", what="an import", needs=IMPORT_SIS
            )
        except TryAgain:
            # It goes on without us; whoever asks too soon or at a bad moment asks again.
            return "importing"
        if told is None:
            raise _open(number, "Canvas knows nothing of it")
        return str(told.get("workflow_state", "importing"))

    def _told(self, number: int, state: str) -> Result:
        if state == "imported":
            return Result(number, state, {}, ())
        pages = self.wire.pages(
            f"{self.wire.account}/sis_imports/{number}/errors",
            what="the errors of an import",
            needs=IMPORT_SIS,
            inside="sis_import_errors",
        )
        said = [_message(one) for page in pages for one in page]
        placed = {(one.file, one.row): one for one in said if one.file and one.row}
        unplaced = tuple(one for one in said if not (one.file and one.row))
        return Result(number, state, placed, unplaced)


def _message(told: Record) -> Message:
    return Message(
        str(told.get("file") or ""), int(told.get("row") or 0), str(told.get("message") or "")
    )


def _open(number: int, why: str) -> ReadBack:
    return ReadBack(
        f"Import {number} was handed over, and {why.rstrip('.')}.",
        code="M612",
        cure="Its rows are looked up before anything else.",
    )
