"""Run a real OpenLDAP server for the demonstration and the tests: loopback, its own folder.

It keeps nothing safe from a crash, which is what makes it quick, and it is gone at the end.
Who runs it is an account without rights where we are root.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = "OpenLDAP's slapd is not installed (Debian: apt-get install slapd)."
SUFFIX = "dc=northfield,dc=example"
SERVICE = f"cn=matricula,ou=services,{SUFFIX}"
ROOT = f"cn=root,{SUFFIX}"
BRANCHES = (
    "people", "suspended", "staff", "sections", "intakes", "roles", "services", "policies",
)  # fmt: skip
_SCHEMAS = (Path("/etc/ldap/schema"), Path("/etc/openldap/schema"))
_MODULES = (Path("/usr/lib/ldap"), Path("/usr/lib/openldap"), Path("/usr/lib64/openldap"))
_ELSEWHERE = "/usr/sbin:/usr/local/sbin:/usr/lib/openldap:/usr/local/libexec"
_READY_SECONDS = 20.0
_CERTIFICATES = {
    "authority.pem": "TLSCACertificateFile",
    "certificate.pem": "TLSCertificateFile",
    "key.pem": "TLSCertificateKeyFile",
}
_OURS = Path(__file__).with_name("edu.ldif")

_RIGHTS = """
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{suffix}" by dn.exact="{service}" write by users read by * none
limits dn.exact="{service}" size=unlimited time=unlimited
"""
_CONFIGURATION = """
{includes}
{schema}
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
modulepath {modules}
moduleload back_mdb
moduleload ppolicy
moduleload unique
moduleload memberof
{tls}
sizelimit 500
database mdb
suffix {suffix}
rootdn {root}
rootpw {root_password}
directory {folder}/data
maxsize 4294967296
dbnosync
index objectClass eq
index entryUUID,entryCSN,uid,cn,employeeNumber,mail,member eq
overlay ppolicy
ppolicy_default cn=default,ou=policies,{suffix}
ppolicy_use_lockout
overlay memberof
overlay unique
unique_uri ldap:///ou=people,{suffix}?mail?sub
{rights}
"""
_CONTENT = """dn: {suffix}
objectClass: dcObject
objectClass: organization
o: Northfield University
dc: northfield

{branches}
dn: {service}
objectClass: person
cn: matricula
sn: matricula
userPassword: {password}

dn: cn=default,ou=policies,{suffix}
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
"""


class NotStarted(Exception):
    """There is no server, or it ended before it listened; the message says why."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What one server has that others have not.

    Attributes:
        rights: Access rules in the place of the usual ones, as slapd.conf has them.
        content: More entries, as LDIF.
        tls: Files of certificates: the authority's, the server's, and its key.
        only_encrypted: Nobody signs in before the connection is encrypted.
        kept: All that another one held and gave as `content`, in the place of empty branches,
            under the passwords that it had.
        passwords: Of the account `SERVICE` and of `ROOT`; new ones when none are given.
        port: A free one when none is given.
    """

    rights: str = _RIGHTS
    content: str = ""
    tls: tuple[Path, Path, Path] | None = None
    only_encrypted: bool = False
    kept: str = ""
    passwords: tuple[str, str] | None = None
    port: int = 0


_PLAIN = Extras()


@dataclass(frozen=True, slots=True)
class DirectoryServer:
    """A running server.

    Attributes:
        url: Its address in the clear.
        secure_url: Its encrypted address; empty where it has no certificate.
        password: Of the account `SERVICE`.
        root_password: Of the account `ROOT`, which may do anything.
        pid: Its process.
        folder: What it lives in.
    """

    url: str
    secure_url: str = ""
    password: str = field(default="", repr=False)
    root_password: str = field(default="", repr=False)
    pid: int = 0
    folder: Path = field(default=Path(), repr=False)

    def content(self) -> str:
        """Write down everything it holds, as LDIF, for another one to begin with."""
        command = [str(binary()), "-T", "cat", "-f", str(self.folder / "slapd.conf")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own words


def binary() -> str | None:
    """Find the server's program."""
    return shutil.which("slapd") or shutil.which("slapd", path=_ELSEWHERE)


@contextmanager
def directory_server(extras: Extras = _PLAIN) -> Iterator[DirectoryServer]:
    """Start a server with a small university's empty branches, and stop it at the end.

    Raises:
        NotStarted: It is not installed, or does not start.
    """
    program = binary()
    if program is None:
        raise NotStarted(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="matricula-ldap-"))
    try:
        passwords = extras.passwords or (secrets.token_urlsafe(16), secrets.token_urlsafe(16))
        _prepare(program, folder, passwords, extras)
        yield from _running(program, folder, passwords, extras)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _running(
    program: str, folder: Path, passwords: tuple[str, str], extras: Extras
) -> Iterator[DirectoryServer]:
    plain, secure = extras.port or _free_port(), _free_port()
    # A certificate is for a name, and 127.0.0.1 has none that everybody would sign.
    urls = [f"ldap://127.0.0.1:{plain}/"]
    if extras.tls:
        urls.append(f"ldaps://127.0.0.1:{secure}/")
    command = [program, "-f", str(folder / "slapd.conf"), "-h", " ".join(urls), "-d", "0"]
    process = _popen(command, folder)
    try:
        _wait(process, plain, folder)
        yield DirectoryServer(
            f"ldap://127.0.0.1:{plain}",
            f"ldaps://localhost:{secure}" if extras.tls else "",
            *passwords,
            process.pid,
            folder,
        )
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _prepare(program: str, folder: Path, passwords: tuple[str, str], extras: Extras) -> None:
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(_configuration(folder, passwords[1], extras))
    branches = "".join(
        f"dn: ou={name},{SUFFIX}\nobjectClass: organizationalUnit\nou: {name}\n\n"
        for name in BRANCHES
    )
    content = _CONTENT.format(
        suffix=SUFFIX, branches=branches, service=SERVICE, password=passwords[0]
    )
    (folder / "content.ldif").write_text(extras.kept or f"{content}\n{extras.content}")
    for name, path in zip(_CERTIFICATES, extras.tls or (), strict=False):
        shutil.copyfile(path, folder / name)
    account = _account()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if account:
            os.chown(path, account.pw_uid, account.pw_gid)
    # Added before it runs: no questions, no round trips. `-T add` is the tool slapadd.
    command = [program, "-T", "add", "-q", "-f", str(folder / "slapd.conf")]
    command += ["-l", str(folder / "content.ldif")]
    if _popen(command, folder).wait():
        raise NotStarted(f"slapd does not take its first entries: {_tail(folder)}")


def _configuration(folder: Path, root_password: str, extras: Extras) -> str:
    schemas = next((one for one in _SCHEMAS if (one / "core.schema").exists()), _SCHEMAS[0])
    includes = [f"include {schemas / name}.schema" for name in ("core", "cosine", "inetorgperson")]
    tls = ""
    if extras.tls:
        tls = "\n".join(f"{word} {folder / name}" for name, word in _CERTIFICATES.items())
    if extras.only_encrypted:
        tls += "\nsecurity simple_bind=128"
    return _CONFIGURATION.format(
        includes="\n".join(includes),
        schema=schema_lines(_OURS.read_text(encoding="utf-8")),
        folder=folder,
        modules=next((one for one in _MODULES if one.is_dir()), _MODULES[0]),
        tls=tls,
        suffix=SUFFIX,
        root=ROOT,
        root_password=root_password,
        rights=extras.rights.format(suffix=SUFFIX, service=SERVICE),
    )


def schema_lines(ldif: str) -> str:
    """Write a schema in LDIF as slapd.conf has it."""
    unfolded = ldif.replace("\n ", "")
    words = {"olcAttributeTypes": "attributetype", "olcObjectClasses": "objectclass"}
    lines = []
    for line in unfolded.splitlines():
        name, _, rest = line.partition(": ")
        if name in words:
            lines.append(f"{words[name]} {rest}")
    return "\n".join(lines)


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("openldap")
    except KeyError:
        return pwd.getpwnam("nobody")


def _popen(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    account = _account()
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own words
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # An interrupt at the keyboard is for whoever started us.
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise NotStarted(f"slapd does not start: {_tail(folder)}")


def _tail(folder: Path) -> str:
    try:
        lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return " ".join(lines[-5:])
