"""Ways into directories and identity providers: a real OpenLDAP, a real SCIM server."""

from __future__ import annotations

import atexit
import json
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from matricula.connectors.ldap import slapd
from matricula.connectors.ldap.slapd import SUFFIX
from tests.conformance.door import SECRET, VARIABLE, Door, Porter
from tests.counterparts.faulty_proxy import Fault, faulty_proxy
from tests.counterparts.scim_server import scim_server
from tests.counterparts.slapd_server import Hand, branch_of, door_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# Who lacks a right, by its name as the rules of access have it.
_WHO = {
    "write pwdAccountLockedTime": "no-lock",
    "write member": "no-members",
    "add, move or remove entries below ou=people": "no-moves",
}
_RIGHTS = """
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{suffix}" attrs=pwdAccountLockedTime
    by dn.exact="cn=no-lock,{suffix}" read by * break
access to dn.subtree="{suffix}" attrs=children
    by dn.exact="cn=no-moves,{suffix}" read by * break
access to dn.subtree="{suffix}" attrs=member
    by dn.exact="cn=no-members,{suffix}" read by * break
access to dn.subtree="{suffix}" by dn.children="{suffix}" write by * none
limits dn.children="{suffix}" size=unlimited
"""
_ENDED = f"""pwdPolicySubentry: cn=strict,ou=policies,{SUFFIX}
pwdChangedTime: 20200101000000Z
"""
_POLICY = f"""
dn: cn=strict,ou=policies,{SUFFIX}
objectClass: device
objectClass: pwdPolicy
cn: strict
pwdAttribute: userPassword
pwdMaxAge: 60
"""


@cache
def _directory() -> slapd.DirectoryServer:
    if slapd.binary() is None:
        pytest.skip(slapd.MISSING)
    accounts = "".join(
        f"\ndn: cn={name},{SUFFIX}\nobjectClass: person\ncn: {name}\nsn: {name}\n"
        f"userPassword: {SECRET}\n{_ENDED if name == 'ended' else ''}"
        for name in ("everything", "ended", *_WHO.values())
    )
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(slapd.directory_server(slapd.Extras(_RIGHTS, accounts + _POLICY)))


@contextmanager
def _ldap(_: Any) -> Iterator[Porter]:
    way = door_of(_directory())
    with branch_of(way) as branch:
        hand = Hand(way)
        hand.add(
            f"uid=a,ou=people,{branch}", objectClass="inetOrgPerson", uid="a", cn="A", sn="B",
            employeeNumber="S000",
        )  # fmt: skip
        hand.add(
            f"cn=LAW101-A,ou=sections,{branch}", objectClass="groupOfNames", cn="LAW101-A",
            member=f"cn=nobody,ou=sections,{branch}",
        )  # fmt: skip
        hand.close()
        settings = way.settings(branch) | {"password": f"env:{VARIABLE}"}
        porter = Porter(settings)

        def become(name: str) -> None:
            settings["bind_dn"] = f"cn={name},{SUFFIX}"

        become("everything")
        porter.expire = lambda: become("ended")
        porter.take = lambda right: become(_WHO[right])
        yield porter


@cache
def _identity_provider() -> Any:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(scim_server(token=SECRET))


@contextmanager
def _scim(_: Any) -> Iterator[Porter]:
    with faulty_proxy(_identity_provider().tenant()) as proxy:
        settings = {"url": proxy.url, "token": f"env:{VARIABLE}"}
        said = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "403"}

        def take(operation: str) -> None:
            method, _, what = operation.partition(" ")
            fault = Fault(
                method=method, path=what, forward=False, status=403,
                body=json.dumps(said).encode(),
            )  # fmt: skip
            proxy.faults.append(fault)

        yield Porter(settings, take=take)


DOORS = [
    Door(
        "OpenLDAP, name and password", "ldap", "people", "employeeNumber", _ldap,
        wrong=("The directory refuses our account or its password", "Check `bind_dn`"),
        expired=("its password has expired", "renewed or released"),
        lacking=tuple(_WHO),
        writes=True,
    ),
    Door(
        "SCIM, token", "scim", "users", "externalId", _scim,
        wrong=("does not accept the token", "(status 401)", "new one issued"),
        endless="a server answers 401 to a token that has ended, as to a wrong one",
        lacking=("GET /Users",),
        writes=True,
    ),
]  # fmt: skip
