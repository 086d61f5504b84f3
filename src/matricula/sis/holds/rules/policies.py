"""What a kind of hold does to a service: two presets, what an institution ruled, and the law.

A preset is a table: kind and cause, service, effect. An institution's own ruling stands over
it. Over both stands what no policy may do: `limit`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from matricula.kernel import checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.sis.holds.rules.figures import Figure

# What is asked for. `access` is the login; `board` is that marks are decided.
REGISTRATION, READMISSION, ENROLMENT = "term registration", "re-admission", "enrolment"
RESULTS, TRANSCRIPT, COMPLETION = "results", "transcript", "completion"
CONFERRAL, CEREMONY, LIBRARY = "conferral", "graduation ceremony", "library"
ACCESS, BOARD = "access", "board"
SERVICES = (
    REGISTRATION, READMISSION, ENROLMENT, RESULTS, TRANSCRIPT, COMPLETION, CONFERRAL, CEREMONY,
    LIBRARY, ACCESS, BOARD,
)  # fmt: skip

TUITION, ANCILLARY = "tuition", "ancillary"
# A kind of hold, and what may be its cause.
KINDS: Mapping[str, tuple[str, ...]] = {
    "debt": (TUITION, ANCILLARY),
    "loan": (ANCILLARY,),
    # What is lent and not overdue yet: it is only in the way of those who are about to leave.
    "clearance": (ANCILLARY,),
    "document": ("document",),
    "identity": ("identity",),
    "academic": ("academic",),
    "conduct": ("disciplinary",),
    "health": ("health",),
}
# Of money: such a hold follows the term in which it was owed.
MONEY = frozenset({TUITION, ANCILLARY})

# The weakest first.
NONE, NOTICE, WARN, BLOCK = EFFECTS = ("none", "notice", "warn", "block")
OUTCOMES = {NOTICE: checks.NOTICE, WARN: checks.WARNED, BLOCK: checks.BLOCKED}
UK, OPEN = PROFILES = ("uk", "open")
# Counts upwards whenever a table below changes, for the decisions that name it.
EDITION = 2


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a hold does to a service.

    Attributes:
        effect: One of `EFFECTS`.
        disputed: The effect while the hold is disputed.
        threshold_minor: Of an amount below it: nothing. In minor units of whatever currency.
        threshold_loans: Of fewer things lent: nothing.
    """

    effect: str
    disputed: str = NOTICE
    threshold_minor: int = 0
    threshold_loans: int = 0

    def effect_on(self, figure: Figure, *, is_disputed: bool) -> str:
        """Say what it does to a hold of an amount, of a number of loans, or of neither."""
        if figure.amount_minor is not None and figure.amount_minor < self.threshold_minor:
            return NONE
        if figure.loans is not None and figure.loans < self.threshold_loans:
            return NONE
        return self.disputed if is_disputed else self.effect

    def as_json(self) -> dict[str, object]:
        """Write it for the audit."""
        return asdict(self)


def ruled(effect: str, disputed: str, threshold_minor: int, threshold_loans: int = 0) -> Ruling:
    """Write down a ruling; a dispute leaves at most a notice where nothing else is said."""
    disputed = disputed or (NONE if effect == NONE else NOTICE)
    return Ruling(effect, disputed, threshold_minor, threshold_loans)


NO_RULING = Ruling(NONE, NONE)
_Rulings = dict[str, Ruling]


def _table(
    *,
    block: Iterable[str] = (),
    warn: Iterable[str] = (),
    notice: Iterable[str] = (),
    disputed: str = NOTICE,
    threshold_minor: int = 0,
) -> _Rulings:
    """Write down which services are blocked, warned of and noticed."""
    rows = ((BLOCK, block), (WARN, warn), (NOTICE, notice))
    return {
        service: Ruling(effect, disputed, threshold_minor)
        for effect, services in rows
        for service in services
    }


# What is not of money is the same everywhere.
_NOT_MONEY: Mapping[tuple[str, str], _Rulings] = {
    ("document", "document"): _table(
        block=[REGISTRATION, READMISSION, CONFERRAL], warn=[ENROLMENT, COMPLETION, CEREMONY]),
    ("identity", "identity"): _table(
        block=[REGISTRATION, READMISSION, TRANSCRIPT, CONFERRAL],
        warn=[ENROLMENT, COMPLETION, CEREMONY, ACCESS]),
    ("academic", "academic"): _table(
        block=[REGISTRATION, READMISSION, COMPLETION], warn=[ENROLMENT]),
    # That a case is disputed does not end it.
    ("conduct", "disciplinary"): _table(
        block=[CONFERRAL, CEREMONY, READMISSION], warn=[REGISTRATION, COMPLETION],
        disputed=BLOCK),
    ("health", "health"): _table(warn=[REGISTRATION, READMISSION, ENROLMENT]),
}  # fmt: skip
# After the OFT's finding of 2014 and the undertakings that universities gave since: whatever
# is not tuition keeps nobody from studying, from an award or from its documents.
_UK: Mapping[tuple[str, str], _Rulings] = {
    ("debt", TUITION): _table(
        block=[REGISTRATION, READMISSION, TRANSCRIPT, CONFERRAL, CEREMONY], warn=[ENROLMENT],
        notice=[RESULTS, COMPLETION], threshold_minor=5000),
    ("debt", ANCILLARY): _table(
        warn=[LIBRARY], notice=[REGISTRATION, READMISSION, COMPLETION, CONFERRAL, CEREMONY],
        threshold_minor=5000),
    ("loan", ANCILLARY): _table(
        warn=[LIBRARY, COMPLETION], notice=[REGISTRATION, READMISSION, CONFERRAL, CEREMONY]),
    ("clearance", ANCILLARY): _table(warn=[COMPLETION], notice=[CONFERRAL, CEREMONY]),
    **_NOT_MONEY,
}  # fmt: skip
# As far as the law goes where it goes least far; an institution rules what it does not want.
_OPEN: Mapping[tuple[str, str], _Rulings] = {
    ("debt", TUITION): _table(
        block=[REGISTRATION, READMISSION, ENROLMENT, RESULTS, TRANSCRIPT, CONFERRAL, CEREMONY],
        warn=[COMPLETION, LIBRARY]),
    ("debt", ANCILLARY): _table(
        block=[REGISTRATION, READMISSION, TRANSCRIPT, COMPLETION, CEREMONY],
        warn=[ENROLMENT, CONFERRAL, LIBRARY]),
    ("loan", ANCILLARY): _table(
        block=[TRANSCRIPT, COMPLETION, CEREMONY, LIBRARY],
        warn=[REGISTRATION, READMISSION, CONFERRAL]),
    ("clearance", ANCILLARY): _table(block=[COMPLETION], warn=[CONFERRAL, CEREMONY]),
    **_NOT_MONEY,
}  # fmt: skip
PRESETS: Mapping[str, Mapping[tuple[str, str], _Rulings]] = {UK: _UK, OPEN: _OPEN}


@dataclass(frozen=True, slots=True)
class Policy:
    """What an institution holds with: a preset, and its own rulings over it.

    Attributes:
        profile: One of `PROFILES`.
        own: The institution's rulings, by kind, cause (or none) and service.
        rulings: How many it has made so far, for the edition.
    """

    profile: str
    own: Mapping[tuple[str, str, str], Ruling]
    rulings: int = 0

    @property
    def edition(self) -> str:
        """Name the policy exactly: `uk 1.3` is the first table of uk after three rulings."""
        return f"{self.profile} {EDITION}.{self.rulings}"

    def ruling(self, kind: str, cause: str, service: str) -> Ruling:
        """Say what a kind of hold does to a service; the institution's word goes first."""
        for key in ((kind, cause, service), (kind, "", service)):
            if key in self.own:
                return self.own[key]
        return PRESETS[self.profile].get((kind, cause), {}).get(service, NO_RULING)


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a policy may go, and why no farther."""

    effect: str
    why: str


_FREE = Limit(BLOCK, "")
_BOARD = Limit(NOTICE, "Marks are decided for everybody; a hold never keeps a board from it.")
_CONSUMER_LAW = Limit(WARN, "Consumer law: what is owed besides tuition keeps nobody from it.")
_RELEASED = Limit(WARN, "Results that were released stay to be seen.")


def limit(profile: str, cause: str, service: str) -> Limit:
    """Say how far a policy may go, whatever an institution rules.

    Args:
        profile: One of `PROFILES`.
        cause: The cause of the hold.
        service: What is asked for.
    """
    if service == BOARD:
        return _BOARD
    if profile == UK and cause == ANCILLARY:
        return _CONSUMER_LAW
    if profile == UK and cause == TUITION and service == RESULTS:
        return _RELEASED
    return _FREE


def is_stronger(effect: str, than: str) -> bool:
    """Whether an effect goes farther than another."""
    return EFFECTS.index(effect) > EFFECTS.index(than)
