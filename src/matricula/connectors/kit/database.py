"""How a charter writes the address of a database: its password never stands in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


def _must_hide_its_password(text: str) -> str:
    if text.startswith(("env:", "file:")):
        return text
    try:
        url = make_url(text)
    except ArgumentError as error:
        message = "it is neither env:NAME, file:PATH nor a database URL"
        raise ValueError(message) from error
    if url.password is not None:
        message = "the URL holds a password; write it as `password: env:NAME`"
        raise ValueError(message)
    return text


DatabaseUrl = Annotated[str, AfterValidator(_must_hide_its_password)]
