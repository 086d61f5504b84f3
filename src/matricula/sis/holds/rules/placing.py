"""What a hold and a ruling must say to be whole, in words that holds know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.holds.rules import policies
from matricula.sis.holds.rules.meaning import OFFICES, VISIBILITIES, desk_of, title_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from matricula.sis.holds.rules.policies import Ruling

# Of these the person is told that there is one, and the office tells them why.
OFFICE_MATTERS = frozenset({"conduct", "health"})
EXEMPTING = ("agreement", "sponsor", "hardship", "appeal", "error")


@dataclass(frozen=True, slots=True)
class Claim:
    """What an office holds against a person.

    Attributes:
        person: Whom, in `people`.
        kind: One of `policies.KINDS`.
        cause: One of the kind's.
        office: Which office: `bursary`, `library/north`.
        placed_on: From which day.
        expires_on: The last day; must be said where it is of one term.
        term: Of which term, if of one alone.
        registration: Of which registration, if of one alone.
        amount_minor: What is owed, in minor units of `currency`; of a debt only.
        currency: Its currency.
        visibility: everybody or office; the kind's usual one where empty.
        source: The system that tells of it and its reference, if a system does.
    """

    person: int
    kind: str
    cause: str
    office: str
    placed_on: date
    expires_on: date | None = None
    term: str = ""
    registration: int | None = None
    amount_minor: int | None = None
    currency: str = ""
    visibility: str = ""
    source: tuple[str, str] = ("", "")

    @property
    def seen_by(self) -> str:
        """Who is told why."""
        return self.visibility or ("office" if self.kind in OFFICE_MATTERS else "everybody")


def only_cause(kind: str) -> str:
    """Give the cause of a kind that has one; nothing where it has several, or is none."""
    causes = policies.KINDS.get(kind, ())
    return causes[0] if len(causes) == 1 else ""


def must_be_known(what: str, word: str, words: Iterable[str]) -> None:
    """Go on only with a word that is on a list.

    Raises:
        Refused: It is not (M944).
    """
    known = list(words)
    if word not in known:
        named = word or "(none)"
        raise Refused("M944", f"Holds know no {what} {named}.", cure=meant(word, known))


def must_be_whole(claim: Claim) -> None:
    """Go on only with a claim that says all that a hold must say.

    Raises:
        Refused: A word is not known (M944), or something is missing (M945).
    """
    must_be_known("kind", claim.kind, policies.KINDS)
    must_be_known(f"cause of the kind {claim.kind}", claim.cause, policies.KINDS[claim.kind])
    must_be_known("office", desk_of(claim.office), OFFICES)
    must_be_known("visibility", claim.seen_by, VISIBILITIES)
    title, may_hold = title_of(claim.office), OFFICES[desk_of(claim.office)].causes
    must_be_known(f"cause at {title}", claim.cause, sorted(may_hold))
    is_debt = claim.kind == "debt"
    told = {
        "A debt says how much is owed, more than nothing, and in which currency.": (
            is_debt and (not claim.currency or (claim.amount_minor or 0) <= 0),
            "Give --amount and --currency."),
        f"A hold of the kind {claim.kind} has no amount.": (
            not is_debt and claim.amount_minor is not None, "Leave --amount out."),
        "A hold of one term says when it expires.": (
            bool(claim.term) and claim.expires_on is None, "Give --until."),
        f"The last day, {claim.expires_on}, is before {claim.placed_on}.": (
            claim.expires_on is not None and claim.expires_on < claim.placed_on,
            "Correct one of the two days."),
    }  # fmt: skip
    for what, (is_wrong, cure) in told.items():
        if is_wrong:
            raise Refused("M945", what, cure=cure, place=title)


@dataclass(frozen=True, slots=True)
class OwnRuling:
    """What an institution rules instead of a preset.

    Attributes:
        profile: One of `policies.PROFILES`.
        kind: One of `policies.KINDS`.
        cause: One of the kind's; empty for every one.
        service: One of `policies.SERVICES`.
        ruling: What the hold does.
    """

    profile: str
    kind: str
    cause: str
    service: str
    ruling: Ruling


def must_be_allowed(own: OwnRuling) -> None:
    """Go on only with a ruling that an institution may make.

    Raises:
        Refused: A word is not known (M944), it goes farther than any policy may, or a dispute
            would make it worse (M946).
    """
    must_be_known("policy", own.profile, policies.PROFILES)
    must_be_known("kind", own.kind, policies.KINDS)
    must_be_known("service", own.service, policies.SERVICES)
    causes = policies.KINDS[own.kind]
    must_be_known(f"cause of the kind {own.kind}", own.cause, ("", *causes))
    effect, disputed = own.ruling.effect, own.ruling.disputed
    for word in (effect, disputed):
        must_be_known("effect", word, policies.EFFECTS)
    for cause in [own.cause] if own.cause else causes:
        most = policies.limit(own.profile, cause, own.service)
        if policies.is_stronger(effect, most.effect):
            raise Refused(
                "M946", f"In {own.profile} a hold for {cause} does no more to {own.service} than "
                f"{most.effect}. {most.why}", cure="Choose a weaker effect.",
            )  # fmt: skip
    if policies.is_stronger(disputed, effect):
        raise Refused(
            "M946", f"A disputed hold would do more ({disputed}) than one that is not ({effect}).",
            cure="Let a dispute weaken the effect, or leave it as it is.",
        )  # fmt: skip
