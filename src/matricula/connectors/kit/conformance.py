"""The suite that every connector passes, ours or another's, from one line.

    SUBJECT = Subject(name="ours", make=..., resource="users", row=..., match=("number",))

    @pytest.mark.parametrize("check", checks_for(SUBJECT), ids=str)
    def test_ours_keeps_every_promise(check, tmp_path):
        check.run(SUBJECT, tmp_path)

or, without a test runner, `verify(SUBJECT, folder)`. A broken promise raises `Unfit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit import checks_changes as changes
from matricula.connectors.kit import checks_reading as reading
from matricula.connectors.kit import checks_writing as writing
from matricula.connectors.kit.hostile import HOSTILE_TEXT
from matricula.connectors.kit.subject import ALL_WRITES, AT, Row, Subject, Trial, Unfit, trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "ALL_WRITES",
    "AT",
    "CHECKS",
    "HOSTILE_TEXT",
    "Check",
    "Row",
    "Subject",
    "Trial",
    "Unfit",
    "check_texts_survive",
    "checks_for",
    "trial",
    "verify",
]

check_texts_survive = writing.check_texts_survive


@dataclass(frozen=True, slots=True)
class Check:
    """One promise.

    Attributes:
        run: Tries it on a subject, in an empty folder; raises `Unfit`.
        needs: Verbs and attributes of the subject without which it says nothing.
    """

    run: Callable[[Subject, Path], None]
    needs: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.run.__name__.removeprefix("check_")

    def fits(self, subject: Subject) -> bool:
        """Say whether the subject has all that the check needs."""
        return self.needs <= self.has(subject)

    @staticmethod
    def has(subject: Subject) -> frozenset[str]:
        """Name the verbs and attributes that a subject has, of those that checks need."""
        named = ("text", "clears", "refused", "away", "tells")
        told = {name for name in named if getattr(subject, name)}
        if subject.change[0]:
            told.add("change")
        return frozenset(told | subject.writes)


def _needing(run: Callable[[Subject, Path], None], *needs: str) -> Check:
    return Check(run, frozenset(needs))


CHECKS: tuple[Check, ...] = (
    Check(reading.check_describes_every_field_of_a_sample_row),
    Check(reading.check_describes_the_verbs_it_supports),
    Check(reading.check_ping_answers_well),
    _needing(reading.check_ping_of_an_absent_system_answers_unwell, "away"),
    _needing(reading.check_reading_an_absent_system_fails_in_the_kits_words, "away"),
    Check(reading.check_full_read_returns_what_was_written),
    Check(reading.check_reading_twice_gives_the_same),
    Check(reading.check_long_listings_arrive_whole),
    Check(reading.check_reading_an_unknown_resource_gives_up),
    Check(reading.check_finds_by_field_and_by_identifier),
    Check(reading.check_a_lookup_with_one_wrong_field_finds_nothing),
    Check(reading.check_a_blank_finds_nobody),
    Check(reading.check_closing_twice_is_harmless),
    _needing(writing.check_an_empty_batch_does_nothing, "create"),
    _needing(writing.check_create_gives_an_identifier, "create"),
    _needing(writing.check_creating_an_existing_record_makes_no_second, "create"),
    _needing(writing.check_of_two_keys_in_a_batch_one_gets_a_record, "create", "change"),
    _needing(writing.check_creating_takes_over_no_copy_of_another_key, "create", "change"),
    _needing(writing.check_update_of_one_field_leaves_the_others, "create", "update", "change"),
    _needing(writing.check_the_same_update_again_is_done_again, "create", "update", "change"),
    _needing(writing.check_a_field_can_be_emptied, "create", "update", "clears"),
    _needing(writing.check_suspend_and_resume, "create", "suspend", "resume"),
    _needing(writing.check_delete_is_done_once_and_agreed_twice, "create", "delete"),
    _needing(writing.check_a_refused_row_settles_alone, "create", "refused"),
    _needing(writing.check_an_unknown_field_is_refused_by_name, "create"),
    _needing(writing.check_outcomes_pair_with_a_mixed_batch, "create", "update", "change"),
    _needing(writing.check_a_stale_identifier_is_an_outcome, "create", "update"),
    _needing(writing.check_writes_to_an_absent_system_are_all_for_later, "create", "away"),
    _needing(writing.check_hostile_text_survives_or_is_refused_by_name, "create", "text"),
    _needing(changes.check_a_change_is_told_after_a_reading, "tells", "create", "change"),
    _needing(changes.check_nobody_who_is_there_is_told_gone, "tells", "create", "delete"),
    _needing(changes.check_who_is_named_is_looked_for, "tells", "create", "delete"),
    _needing(changes.check_a_strange_token_means_everything, "tells", "create"),
    _needing(changes.check_acknowledging_loses_nothing, "tells", "create", "change"),
    _needing(changes.check_changes_of_an_absent_system_fail_in_the_kits_words, "tells", "away"),
)


def checks_for(subject: Subject) -> list[Check]:
    """List the checks that say something about this subject."""
    return [check for check in CHECKS if check.fits(subject)]


def verify(subject: Subject, folder: Path) -> int:
    """Run every check that fits, each in a folder of its own.

    Returns:
        How many checks there were.

    Raises:
        Unfit: A promise is broken.
    """
    checks = checks_for(subject)
    for check in checks:
        place = folder / str(check)
        place.mkdir(parents=True)
        check.run(subject, place)
    return len(checks)
