"""Charters: versions kept whole, and the stewards' signatures under each flow's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from matricula.audit.actions import Entry, append
from matricula.audit.queries import acts_on
from matricula.engine.guard import Reason
from matricula.hub import transfers
from matricula.hub.models import CharterVersion, Signature
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matricula.charter.model import Charter, Flow
    from matricula.hub.desk import Desk
    from matricula.hub.transfers import Transfer

# What a flow is told for whose present text a signature is missing.
UNSIGNED = frozenset({"M510", "M518", "M520"})


def keep(desk: Desk) -> None:
    """Keep the present charter, so that what it granted can be read for ever."""
    CharterVersion.objects.get_or_create(
        digest=desk.charter.digest,
        defaults={"text": desk.charter_text, "recorded_at": desk.at},
    )


def signers(charter: Charter, flow: Flow, passing: Iterable[Transfer] = ()) -> list[str]:
    """List the stewards who must sign a flow.

    Those of every owner it carries, of its target, and of whoever gives a field away.
    """
    target = charter.systems[flow.target.system].steward
    return sorted({*flow.owners, target, *(transfer.steward for transfer in passing)})


def signatures(flows: Iterable[Flow]) -> dict[str, dict[str, Signature]]:
    """Find who has signed the present text of some flows: per flow, by steward.

    A row says who signed; the sealed entry in the audit is what proves it. Without the
    entry the row is no signature, for anybody who reaches the table could have written it.
    """
    return {flow: dict(signed) for flow, (signed, _) in _signatures(flows).items()}


def _signatures(
    flows: Iterable[Flow],
) -> dict[str, tuple[dict[str, Signature], dict[str, Signature]]]:
    """Part the rows of some flows into those that the audit bears out and those it does not."""
    texts = {flow.name: flow.digest for flow in flows}
    sworn = {
        (entry.key, entry.after.get("text"), entry.after.get("steward"))
        for entry in acts_on("flow", "sign", sorted(texts))
        if entry.after
    }
    found: dict[str, tuple[dict[str, Signature], dict[str, Signature]]]
    found = {flow: ({}, {}) for flow in texts}
    for row in Signature.objects.filter(flow__in=texts, flow_digest__in=set(texts.values())):
        if row.flow_digest == texts[row.flow]:
            borne_out = (row.flow, row.flow_digest, row.steward) in sworn
            found[row.flow][0 if borne_out else 1][row.steward] = row
    return found


def unsigned_by(charter: Charter, flow: Flow) -> list[str]:
    """List the stewards whose signature under the present text is missing."""
    signed = signatures([flow])[flow.name]
    needed = signers(charter, flow, transfers.pending(charter, [flow])[flow.name])
    return [steward for steward in needed if steward not in signed]


def unsigned_reasons(charter: Charter, flows: Sequence[Flow]) -> dict[str, tuple[Reason, ...]]:
    """Say, per flow, why it may not apply: not signed by all who must, or not as it seems."""
    found = _signatures(flows)
    passing = transfers.pending(charter, flows)
    return {
        flow.name: (
            *_reasons(signers(charter, flow), *found[flow.name]),
            *transfers.reasons(charter, passing[flow.name], unsigned),
        )
        for flow in flows
        for unsigned in [{t.steward for t in passing[flow.name]} - set(found[flow.name][0])]
    }


def _reasons(
    needed: Sequence[str], signed: Mapping[str, Signature], bare: Mapping[str, Signature]
) -> Iterator[Reason]:
    lacking = [name for name in needed if name not in signed and name not in bare]
    if lacking:
        yield Reason(
            "M510",
            f"The present text is not signed by {', '.join(lacking)}.",
            f"Run `matricula sign --as {lacking[0]}` for each of them.",
        )
    claimed = [name for name in needed if name in bare]
    if claimed:
        yield Reason(
            "M518",
            f"The audit has no entry for the signature of {', '.join(claimed)}, so it is none.",
            "Find out who wrote it into the database, then have the office run "
            f"`matricula sign --as {claimed[0]}`.",
        )


@transaction.atomic
def sign(desk: Desk, *, steward: str, only: str = "") -> list[str]:
    """Sign, for an office, the present text of the flows that concern it.

    Args:
        desk: Whose charter and who signs.
        steward: The office.
        only: One flow; all that concern the office when empty.

    Returns:
        The flows that were not signed by it before.

    Raises:
        Refused: There is no such office or flow, or the flow does not concern it (M517).
    """
    charter = desk.charter
    if steward not in charter.stewards:
        raise Refused(
            "M517",
            f"The charter knows no steward {steward}.",
            cure=f"Use one of {', '.join(sorted(charter.stewards))}.",
        )
    passing = transfers.pending(charter, charter.flows.values())
    concerned = [
        f for f in charter.flows.values() if steward in signers(charter, f, passing[f.name])
    ]
    chosen = [f for f in concerned if only in {"", f.name}]
    if only and not chosen:
        raise Refused(
            "M517",
            f"{only} is no flow that concerns {steward}.",
            cure=f"Use one of {', '.join(f.name for f in concerned) or 'none: none concerns it'}.",
        )
    keep(desk)
    signed = signatures(chosen)
    fresh = [flow for flow in chosen if steward not in signed[flow.name]]
    # A row that the audit does not bear out makes room for the signature.
    Signature.objects.filter(
        steward=steward,
        flow__in=[f.name for f in fresh],
        flow_digest__in=[f.digest for f in fresh],
    ).delete()
    Signature.objects.bulk_create(
        Signature(
            flow=flow.name, flow_digest=flow.digest, steward=steward,
            actor=desk.actor, signed_at=desk.at,
        )
        for flow in fresh
    )  # fmt: skip
    if fresh:
        append([_entry(desk, steward, flow) for flow in fresh], at=desk.at)
    return [flow.name for flow in fresh]


def _entry(desk: Desk, steward: str, flow: Flow) -> Entry:
    return Entry(
        actor=desk.actor,
        action="sign",
        entity="flow",
        key=flow.name,
        why=f"{steward} agrees to the present text",
        flow=flow.name,
        charter_version=desk.charter.digest,
        after={"steward": steward, "text": flow.digest},
    )
