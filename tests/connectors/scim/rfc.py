"""What every request that these tests make is judged by: the models of RFC 7643 and RFC 7644."""

from __future__ import annotations

import json
from typing import Any

from scim2_models import BulkRequest, Context, EnterpriseUser, Group, PatchOp, User

_MODELS = {"Users": User[EnterpriseUser], "Groups": Group}
_BULK = BulkRequest[User[EnterpriseUser] | Group]
_CONTEXTS = {
    "POST": Context.RESOURCE_CREATION_REQUEST,
    "PUT": Context.RESOURCE_REPLACEMENT_REQUEST,
    "PATCH": Context.RESOURCE_PATCH_REQUEST,
}


def must_be_scim(method: str, path: str, body: bytes) -> None:
    """Raise where a request is none of the RFC's; Entra's words are not judged."""
    record = json.loads(body)
    if path.endswith("/Bulk"):
        checked = _BULK.model_validate(record, scim_ctx=Context.BULK_REQUEST)
        wrong = [one.response for one in checked.operations or () if one.response is not None]
        if wrong:
            message = f"parts of a bulk request are none: {wrong}"
            raise ValueError(message)
        return
    (name,) = (one for one in _MODELS if f"/{one}" in path)
    model: Any = _MODELS[name]
    if method == "PATCH":
        if any(not one["op"].islower() for one in record["Operations"]):
            return
        model = PatchOp[model]
    model.model_validate(record, scim_ctx=_CONTEXTS[method])
