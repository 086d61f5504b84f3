"""The systems around the register of the demonstration: real ones where they can be started.

A SCIM server as identity provider, OpenLDAP as directory where it is installed, a mail server;
a Moodle, a Koha and a library behind SIP2 that answer as the real ones were measured to. All
listen on loopback, and are gone at the end.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.connectors.koha.simulator import Account, Library, koha
from matricula.connectors.ldap import slapd
from matricula.connectors.moodle.simulator import Site, serve
from matricula.connectors.sip2.simulator import sip2
from matricula.kernel.errors import SettingMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matricula.connectors.koha.simulator import Running
    from matricula.connectors.ldap.slapd import DirectoryServer, Extras
    from matricula.connectors.moodle.simulator import Moodle
    from matricula.connectors.sip2.simulator import Desk

CHARTER = Path(__file__).parent / "charter"
# The part of the charter that needs a server which is not everywhere.
DIRECTORY = "directory.yaml"
# Days for which a card of each category is good.
_CATEGORIES = {"ST": 365, "STR": 365, "STAFF": 3650}
_READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Campus:
    """What is connected.

    Attributes:
        scim: Base address of the identity provider.
        token: Its bearer token.
        directory: None where no LDAP server is installed.
        moodle: The learning management system.
        library: The University Library.
        law: The Law Library.
    """

    scim: str
    token: str = field(repr=False)
    directory: DirectoryServer | None
    moodle: Moodle
    library: Running
    law: Desk

    def write_charter(self, folder: Path) -> None:
        """Lay the charter down in a folder, addressed to these systems."""
        shutil.copytree(CHARTER, folder / "charter")
        (folder / "exchange" / "law").mkdir(parents=True)
        told = {
            '"SCIM"': self.scim, '"MOODLE"': self.moodle.url, '"KOHA"': self.library.url,
            "port: LAW": f"port: {self.law.port}",
            '"LDAP"': self.directory.url if self.directory else "",
        }  # fmt: skip
        for path in (folder / "charter").glob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            for name, address in told.items():
                text = text.replace(name, address)
            path.write_text(text, encoding="utf-8")
        if self.directory is None:
            (folder / "charter" / DIRECTORY).unlink()

    def secrets(self) -> dict[str, str]:
        """Give the environment in which the charter's references lead to what lets us in."""
        return {
            "MATRICULA_DEMO_SCIM_TOKEN": self.token,
            "MATRICULA_DEMO_MOODLE_TOKEN": self.moodle.token,
            "MATRICULA_DEMO_KOHA_USER": self.library.account.user,
            "MATRICULA_DEMO_KOHA_PASSWORD": self.library.account.password,
            "MATRICULA_DEMO_LAW_USER": self.law.user,
            "MATRICULA_DEMO_LAW_PASSWORD": self.law.password,
            "MATRICULA_DEMO_LDAP_PASSWORD": self.directory.password if self.directory else "",
        }


@contextmanager
def campus(scim: str, token: str, directory: DirectoryServer | None) -> Iterator[Campus]:
    """Start a Moodle and both libraries, empty, beside systems that run; stop them at the end."""
    library, account = Library(categories=_CATEGORIES), Account(password=secrets.token_urlsafe(16))
    with serve(Site()) as moodle, koha(library, account) as running, sip2() as law:
        law.password = secrets.token_urlsafe(16)
        yield Campus(scim, token, directory, moodle, running, law)


@contextmanager
def directory(extras: Extras | None = None) -> Iterator[DirectoryServer | None]:
    """Start OpenLDAP and stop it at the end; gives None where it is not installed."""
    if slapd.binary() is None:
        yield None
        return
    with slapd.directory_server(extras or slapd.Extras()) as server:
        yield server


@contextmanager
def identity_provider(token: str) -> Iterator[str]:
    """Start scim2-server, wait until it listens, stop it at the end.

    Args:
        token: The bearer token that it lets in.

    Yields:
        Its base address.

    Raises:
        SettingMissing: The server is not installed or does not start (M804).
    """
    port = _free_port()
    # In one word with its option, for a token may begin with a hyphen.
    words = [
        "scim2_server.testserver.cli", "--dynamic-tenants", "--hostname", "127.0.0.1",
        "--port", str(port), f"--bearer-token={token}",
    ]  # fmt: skip
    with _serving(words, port, "SCIM server", "scim2-server"):
        yield f"http://127.0.0.1:{port}/northfield/v2"


@contextmanager
def mail_server(folder: Path) -> Iterator[str]:
    """Start an SMTP server that keeps every letter in a folder, and stop it at the end.

    Yields:
        Its address, as MATRICULA_SMTP_URL has it.

    Raises:
        SettingMissing: The server is not installed or does not start (M804).
    """
    port = _free_port()
    words = [
        "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Mailbox",
        str(folder),
    ]  # fmt: skip
    with _serving(words, port, "mail server", "aiosmtpd"):
        yield f"smtp://127.0.0.1:{port}"


@contextmanager
def _serving(words: Sequence[str], port: int, what: str, package: str) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        if not _listens(process, port):
            raise SettingMissing(
                "M804", f"The {what} of the demonstration does not start.",
                cure=f"Install {package}; `make demo` does it for you.",
            )  # fmt: skip
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False
