"""A line that garbles, falls silent or is cut, and a library that does not let us in."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, Stop, TryAgain
from matricula.connectors.sip2 import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.sip2.conftest import Library


def test_a_checksum_is_that_of_the_standard():
    # What a Koha answers to a garbled message, written out in its source.
    assert messages.checksum(b"96AZ") == "FEF6"


def test_a_garbled_answer_is_asked_for_again(library: Library):
    library.ask("S001")
    library.desk.garbled = 2

    assert len(library.ask("S001")[0]) == 1
    assert library.desk.heard[-1].startswith("97AZ")


def test_a_question_that_was_misheard_is_sent_again_as_it_was(library: Library):
    library.ask("S001")
    library.desk.misheard = 2

    assert len(library.ask("S001")[0]) == 1
    assert len(set(library.desk.heard[-3:])) == 1


@pytest.mark.parametrize("trouble", ["garbled", "misheard"])
def test_a_line_that_garbles_all_the_time_is_for_later(library: Library, trouble: str):
    setattr(library.desk, trouble, 1000)

    with pytest.raises(TryAgain, match="M610"):
        library.ask("S001")


def test_a_line_that_was_closed_while_it_was_quiet_is_opened_again(library: Library):
    library.ask("S001")
    library.desk.hang_ups = 1

    assert len(library.ask("S001")[0]) == 1


def test_a_library_that_hangs_up_on_every_question_is_for_later(library: Library):
    library.desk.hang_ups = 1000

    with pytest.raises(TryAgain, match="hung up"):
        library.ask("S001")
    assert not library.connector.ping().well


def test_a_library_that_falls_silent_is_for_later(make_library: Callable[..., Library]):
    library = make_library(timeout_seconds=0.2)
    library.desk.is_silent = True

    with pytest.raises(TryAgain, match="M610"):
        library.ask("S001")


def test_a_wrong_password_is_told_and_nothing_of_it(library: Library):
    library.desk.password = "changed"

    health = library.connector.ping()

    assert not health.well
    assert "refuses the SIP2 account" in health.sentence
    assert "open-sesame" not in health.sentence
    with pytest.raises(Stop, match="M613"):
        library.ask("S001")


def test_a_library_that_answers_no_questions_about_people_is_unwell(library: Library):
    library.desk.knows_patrons = False

    assert "message 63" in library.connector.ping().sentence
    with pytest.raises(GiveUp, match="M615"):
        library.connector.describe()


def test_answers_without_a_checksum_are_not_believed_unless_the_charter_says_so(
    make_library: Callable[..., Library],
):
    strict, lax = make_library(), make_library(error_detection=False)
    for library in (strict, lax):
        library.desk.seals = False

    assert not strict.connector.ping().well
    assert lax.connector.ping().well
    assert lax.ask("S001") == [[]]


def test_the_sequence_goes_round_after_nine(library: Library):
    for _ in range(12):
        assert len(library.ask("S001")[0]) == 1

    numbers = [heard[-7] for heard in library.desk.heard if heard.startswith("63")]
    assert numbers == list("234567890123")


@pytest.mark.parametrize("answer", [b"64 \r", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\r"])
def test_something_that_does_not_speak_sip2_is_not_understood(
    make_library: Callable[..., Library], answer: bytes
):
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_speak, args=(server, answer), daemon=True)
        thread.start()
        library = make_library(port=server.getsockname()[1], timeout_seconds=0.5)

        health = library.connector.ping()

    assert not health.well


def _speak(server: socket.socket, answer: bytes) -> None:
    try:
        for _ in range(2):
            line, _ = server.accept()
            with line:
                line.recv(100)
                line.sendall(answer)
    except OSError:
        return
