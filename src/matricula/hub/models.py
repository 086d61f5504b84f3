"""The hub's tables. No decisions here; rows are written in sets by `matricula.hub.bulk`.

Instants are UTC. `desired`, `confirmed`, `observed`, `before` and `after` are canonical
JSON text as the engine writes it, so that equal text means equal state.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import models

from matricula.hub.correspondence import Announcement, Letter, Message, Subscriber
from matricula.hub.promised import Obligation, Promise

# An effect of which something is still to be found out, in the very words of its index:
# SQLite finds a partial index by those alone.
OPEN = "state IN ('intended', 'sent', 'unknown')"


class CharterVersion(models.Model):
    """A charter that granted something, kept whole."""

    digest = models.TextField(primary_key=True)
    text = models.TextField()
    recorded_at = models.DateTimeField()


class Signature(models.Model):
    """A steward's signature under the present text of a flow."""

    flow = models.TextField()
    flow_digest = models.TextField()
    steward = models.TextField()
    actor = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("flow", "flow_digest", "steward", name="sign_once")
        ]


class Run(models.Model):
    """One pass of the line. `holder`: whose lease says that it is alive (`Lease`).

    `sending`: the flow whose intents were handed to the connector. One batch of a run is open
    at a time, so this one mark says of all its effects that they were sent.
    """

    id = models.TextField(primary_key=True)
    kind = models.TextField()
    actor = models.TextField()
    charter = models.TextField()
    holder = models.TextField(db_default="")
    sending = models.TextField(db_default="")
    plan = models.TextField(default="")
    state = models.TextField(default="running")
    summary = models.TextField(default="{}")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)


class StoredPlan(models.Model):
    """A plan that was shown. Its changes lie in the run's folder as Parquet.

    `parts`: JSON, what `plan --json` said of each flow. `undoes`: the run it puts back.
    """

    digest = models.TextField()
    run = models.ForeignKey(Run, on_delete=models.PROTECT)
    charter = models.TextField()
    full = models.BooleanField()
    flows = models.TextField()
    parts = models.TextField(default="[]")
    undoes = models.TextField(default="")
    made_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    applied_by = models.TextField(default="")

    @property
    def told(self) -> list[dict[str, Any]]:
        """What was said of each flow."""
        return list(json.loads(self.parts))


class Approval(models.Model):
    """An office's word that a plan may go beyond the guard of a flow: that plan alone, once."""

    plan = models.TextField()
    flow = models.TextField()
    steward = models.TextField()
    actor = models.TextField()
    why = models.TextField()
    approved_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("plan", "flow", "steward", name="approve_once")
        ]


class Hold(models.Model):
    """A flow that an undone run holds until somebody releases it."""

    flow = models.TextField(primary_key=True)
    run = models.TextField()
    actor = models.TextField()
    why = models.TextField()
    held_at = models.DateTimeField()


class Snapshot(models.Model):
    """What a resource held when it was read, and whether it is to be trusted.

    `token`: with what its connector tells what may differ since; empty where it cannot.
    """

    resource = models.TextField()
    run = models.TextField()
    path = models.TextField()
    rows = models.BigIntegerField()
    is_trusted = models.BooleanField()
    taken_at = models.DateTimeField()
    token = models.TextField(db_default="")

    class Meta:
        indexes: ClassVar = [models.Index("resource", "is_trusted", "id", name="snapshot_latest")]


class Link(models.Model):
    """One copy: what the target should hold, confirmed and was seen to hold.

    `desired` is null while it equals `confirmed`; `observed` is null while it equals what
    was confirmed; `drift` names the edited fields. `state` is active,
    suspended, waiting, refused or unknown. A copy that
    `was_there` before us was taken over, not made, and is never deleted. What the target
    `refused` (a digest of the text) it refused under a text of the flow (its digest); an office
    may have accepted that.
    """

    flow = models.TextField()
    key = models.TextField()
    external_id = models.TextField(null=True)  # noqa: DJ001 - absent is not empty here
    state = models.TextField()
    desired = models.TextField(null=True)  # noqa: DJ001
    confirmed = models.TextField(null=True)  # noqa: DJ001
    observed = models.TextField(null=True)  # noqa: DJ001
    drift = models.TextField(default="")
    digest = models.TextField(default="")
    refused = models.TextField(default="")
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    run = models.TextField(default="")
    was_there = models.BooleanField(db_default=False)
    refused_under = models.TextField(db_default="")
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("flow", "key", name="one_copy")]
        indexes: ClassVar = [
            models.Index("flow", "state", name="link_state"),
            models.Index("flow", condition=~models.Q(drift=""), name="link_drift"),
            models.Index("flow", "external_id", name="link_external"),
        ]


class Effect(models.Model):
    """One intended write, and how far it has come.

    `state` is intended (written down; nothing left us), sent (handed to the connector, or
    about to be), then answered, refused (not for this record), deferred (it did not happen)
    or unknown (nobody knows). What was sent or unknown is looked up: verified (it is there)
    or void (it is not, or was never sent). To mark each row as often would cost a quarter of
    its delivery, so two of these are worked out (`matricula.hub.reports`): sent, while its run
    lives, by `Run.sending`; verified, once a later reading found an answered one as it was
    left, by `FlowState.seen_at` and its link.
    `was_there` says that the record was in the target before us and had no link yet.
    """

    run = models.TextField()
    flow = models.TextField()
    key = models.TextField()
    kind = models.TextField()
    state = models.TextField()
    external_id = models.TextField(null=True)  # noqa: DJ001
    before = models.TextField(null=True)  # noqa: DJ001
    after = models.TextField(null=True)  # noqa: DJ001
    match = models.TextField(null=True)  # noqa: DJ001
    told = models.TextField(default="")
    was_there = models.BooleanField(db_default=False)
    intended_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("run", "flow", "key", name="one_effect")]
        indexes: ClassVar = [
            models.Index(
                "flow",
                condition=models.Q(state__in=("intended", "sent", "unknown")),
                name="effect_unsettled",
            ),
            models.Index("flow", "settled_at", name="effect_of_the_day"),
            models.Index(
                "flow",
                condition=models.Q(kind="delete", state__in=("answered", "verified")),
                name="effect_taken_out",
            ),
        ]


class Incident(models.Model):
    """A failure that needs a person. `of_writing`: only a write that goes through ends it.

    `escalated_to`: the office that hears of it since its due date passed.
    """

    code = models.TextField()
    place = models.TextField()
    flow = models.TextField(default="")
    system = models.TextField(default="")
    key = models.TextField(default="")
    steward = models.TextField()
    message = models.TextField()
    cure = models.TextField()
    of_writing = models.BooleanField(db_default=False)
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    escalated_to = models.TextField(db_default="")
    told_at_once = models.BooleanField(db_default=False)
    told_in_channel = models.BooleanField(db_default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "code", "place", "key",
                condition=models.Q(closed_at=None),
                name="one_open_incident",
            )
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index("opened_at", condition=models.Q(key=""), name="incident_of_no_record")
        ]


class FlowState(models.Model):
    """What the last pass over a flow found.

    `to_do`: changes that it found and that did not go out. `reasons`: why, as JSON.
    `asked_at`: when a system last asked that it look.
    """

    flow = models.TextField(primary_key=True)
    held = models.BigIntegerField(default=0)
    to_do = models.BigIntegerField(db_default=0)
    reasons = models.TextField(db_default="[]")
    first_full_at = models.DateTimeField(null=True)
    last_full_at = models.DateTimeField(null=True)
    last_run_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)


class SystemState(models.Model):
    """How a system answered last.

    `by_writing`: it could be read and not written, so reading it again proves nothing.
    `not_before`: it asked to be left alone until then. `failures`: in a row.
    """

    system = models.TextField(primary_key=True)
    is_well = models.BooleanField()
    sentence = models.TextField()
    since = models.DateTimeField()
    asked_at = models.DateTimeField()
    by_writing = models.BooleanField(db_default=False)
    not_before = models.DateTimeField(null=True)
    failures = models.IntegerField(db_default=0)


class Lease(models.Model):
    """Who may write to a system, and until when unless it is renewed. PostgreSQL alone has any.

    A run that is alive holds one under its own name too.
    """

    name = models.TextField(primary_key=True)
    holder = models.TextField()
    until = models.DateTimeField()


class DirtyKey(models.Model):
    """A key that something marked for a flow's next pass."""

    flow = models.TextField(db_default="")
    entity = models.TextField()
    key = models.TextField()
    why = models.TextField(default="")
    marked_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("flow", "entity", "key", name="mark_once")
        ]


class AcceptedEdit(models.Model):
    """A value that somebody wrote into a copy and that may stay there until a day has passed.

    `value`: a JSON object of that one field, as the target was seen to hold it.
    """

    flow = models.TextField()
    key = models.TextField()
    field = models.TextField()
    value = models.TextField()
    until = models.DateField()
    steward = models.TextField()
    actor = models.TextField()
    why = models.TextField()
    accepted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("flow", "key", "field", name="accept_once")
        ]


class MatchCase(models.Model):
    """Records that may be one, and what a steward said of them. No personal value stands here.

    `kind`: candidate (two records look alike), claim (one of several records of a system that
    spell one key), copies (several records of a target match one key), rekey (`key` goes, or
    may go, on under a new number, `other`; `seen_at`: when the roster first showed what was
    decided). `other`: the identifier in `resource`; for two records of the
    roster the other key. `evidence`: JSON, how far each field agrees. `state`: open, same,
    different, over (no longer so).
    """

    kind = models.TextField()
    entity = models.TextField()
    key = models.TextField()
    resource = models.TextField()
    other = models.TextField(db_default="")
    probability = models.FloatField(null=True)
    evidence = models.TextField(db_default="{}")
    state = models.TextField(db_default="open")
    steward = models.TextField()
    opened_at = models.DateTimeField()
    decided_by = models.TextField(db_default="")
    decided_at = models.DateTimeField(null=True)
    why = models.TextField(db_default="")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("kind", "entity", "key", "resource", "other", name="one_case")
        ]
        indexes: ClassVar = [models.Index("state", "kind", name="case_state")]


class MatchDecision(models.Model):
    """What was said of a match case, one row for each time; none is ever changed."""

    case = models.ForeignKey(MatchCase, on_delete=models.CASCADE)
    said = models.TextField()
    actor = models.TextField()
    why = models.TextField()
    at = models.DateTimeField()


__all__ = [
    "AcceptedEdit", "Announcement", "Approval", "CharterVersion", "DirtyKey", "Effect",
    "FlowState", "Hold", "Incident", "Lease", "Letter", "Link", "MatchCase", "MatchDecision",
    "Message", "Obligation", "Promise", "Run", "Signature", "Snapshot", "StoredPlan",
    "Subscriber", "SystemState",
]  # fmt: skip
