"""Charters: versions kept whole, and the stewards' signatures under each flow's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from matricula.audit.actions import Entry, append
from matricula.engine.guard import Reason
from matricula.hub.models import CharterVersion, Signature
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from matricula.charter.model import Charter, Flow
    from matricula.hub.desk import Desk


def keep(desk: Desk) -> None:
    """Keep the present charter, so that what it granted can be read for ever."""
    CharterVersion.objects.get_or_create(
        digest=desk.charter.digest,
        defaults={"text": desk.charter_text, "recorded_at": desk.at},
    )


def signers(charter: Charter, flow: Flow) -> list[str]:
    """List the stewards who must sign a flow: of every owner it carries, and of its target."""
    return sorted({*flow.owners, charter.systems[flow.target.system].steward})


def signatures(flow: Flow) -> dict[str, Signature]:
    """Find who has signed the present text of a flow."""
    found = Signature.objects.filter(flow=flow.name, flow_digest=flow.digest)
    return {signature.steward: signature for signature in found}


def unsigned_by(charter: Charter, flow: Flow) -> list[str]:
    """List the stewards whose signature under the present text is missing."""
    signed = signatures(flow)
    return [steward for steward in signers(charter, flow) if steward not in signed]


def unsigned_reason(charter: Charter, flow: Flow) -> tuple[Reason, ...]:
    """Hold a flow whose present text is not signed by all who must."""
    lacking = unsigned_by(charter, flow)
    if not lacking:
        return ()
    return (
        Reason(
            "M510",
            f"The present text is not signed by {', '.join(lacking)}.",
            f"Run `matricula sign --as {lacking[0]}` for each of them.",
        ),
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
    concerned = [f for f in charter.flows.values() if steward in signers(charter, f)]
    chosen = [f for f in concerned if only in {"", f.name}]
    if only and not chosen:
        raise Refused(
            "M517",
            f"{only} is no flow that concerns {steward}.",
            cure=f"Use one of {', '.join(f.name for f in concerned) or 'none: none concerns it'}.",
        )
    keep(desk)
    fresh = [flow for flow in chosen if steward not in signatures(flow)]
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
