"""The rules of holds, one module for each subject: pure, no database, no clock."""

from __future__ import annotations

from matricula.sis.holds.rules.decisions import PASSED, REFUSED, Decision, decided
from matricula.sis.holds.rules.figures import NOTHING, PATIENCE, Figure, told, what_follows
from matricula.sis.holds.rules.machine import (
    ACTIVE,
    BY_HAND,
    DISPUTED,
    EXPIRED,
    RELEASED,
    SETTLED,
    STANDS,
    TOLD_SO,
    TRANSITIONS,
    UNTOLD,
    Event,
    Standing,
    may_happen,
    state_on,
)
from matricula.sis.holds.rules.meaning import (
    EVERYBODY,
    OFFICE_ONLY,
    OFFICES,
    VISIBILITIES,
    Exempted,
    Held,
    Office,
    checks,
    desk_of,
    remains,
    title_of,
)
from matricula.sis.holds.rules.placing import (
    EXEMPTING,
    Claim,
    OwnRuling,
    must_be_allowed,
    must_be_known,
    must_be_whole,
    only_cause,
)
from matricula.sis.holds.rules.policies import (
    ANCILLARY,
    EFFECTS,
    KINDS,
    MONEY,
    PROFILES,
    SERVICES,
    Policy,
    Ruling,
    is_stronger,
    limit,
    ruled,
)

__all__ = [
    "ACTIVE", "ANCILLARY", "BY_HAND", "DISPUTED", "EFFECTS", "EVERYBODY", "EXEMPTING",
    "EXPIRED", "KINDS", "MONEY", "NOTHING", "OFFICES", "OFFICE_ONLY", "PASSED", "PATIENCE",
    "PROFILES", "REFUSED", "RELEASED", "SERVICES", "SETTLED", "STANDS", "TOLD_SO",
    "TRANSITIONS", "UNTOLD", "VISIBILITIES", "Claim", "Decision", "Event", "Exempted", "Figure",
    "Held", "Office", "OwnRuling", "Policy", "Ruling", "Standing", "checks", "decided",
    "desk_of", "is_stronger", "limit", "may_happen", "must_be_allowed", "must_be_known",
    "must_be_whole", "only_cause", "remains", "ruled", "state_on", "title_of", "told",
    "what_follows",
]  # fmt: skip
