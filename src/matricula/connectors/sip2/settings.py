"""What a charter may say about a library that speaks SIP2."""

from __future__ import annotations

import codecs
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class PatronsFile(BaseModel):
    """Where the card numbers to ask about stand: a CSV file with a header, in UTF-8.

    Attributes:
        file: Below the folder that holds `charter/`, or absolute.
        column: The column of card numbers.
        missing_ok: No file yet is normal here: it names nobody.
    """

    model_config = ConfigDict(extra="forbid")

    file: str
    column: str = "cardnumber"
    missing_ok: bool = False


class Sip2Settings(BaseModel):
    """Settings of one library system behind SIP2.

    Attributes:
        host: Name or address.
        port: Usually 6001.
        tls: The line is encrypted. Off only towards this machine itself, where a tunnel begins:
            SIP2 carries names and a password in the clear.
        ca_file: Certificates to trust instead of the usual ones, for a private authority.
        user: The account of SIP2 (CN); left out, the line needs no login.
        password: Its password (CO).
        location: The place that a login names (CP).
        institution: The institution's code (AO), where the system has several.
        terminal_password: Sent with every question (AC), where the system wants one.
        error_detection: Sequence numbers and checksums, which an answer must then carry.
        encoding: Of what is said.
        patrons: Card numbers to ask about when the whole resource is read.
        patrons_file: Or a file that holds them.
        may_be_empty: Nobody to ask about is normal here, not a fault.
        timeout_seconds: How long one answer may take.
        per_second: Questions a second, at most; left out, as many as are answered.
    """

    model_config = ConfigDict(extra="forbid")

    host: str = Field(min_length=1)
    port: int = Field(default=6001, ge=1, le=65535)
    tls: bool = True
    ca_file: str = ""
    user: Secret | None = None
    password: Secret | None = None
    location: str = ""
    institution: str = ""
    terminal_password: Secret | None = None
    error_detection: bool = True
    encoding: str = "utf-8"
    patrons: list[str] = Field(default_factory=list)
    patrons_file: PatronsFile | None = None
    may_be_empty: bool = False
    timeout_seconds: float = Field(default=15.0, gt=0, le=600)
    per_second: float | None = Field(default=None, gt=0, le=1000)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            message = f"there is no encoding {self.encoding}"
            raise ValueError(message) from None
        if not self.tls and self.host not in _LOOPBACK:
            message = "a line that is not encrypted may only lead to this machine, to a tunnel"
            raise ValueError(message)
        if (self.user is None) != (self.password is None):
            message = "give user and password, or neither"
            raise ValueError(message)
        if self.patrons and self.patrons_file is not None:
            message = "give either patrons or patrons_file"
            raise ValueError(message)
        return self
