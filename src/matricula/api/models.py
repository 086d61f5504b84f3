"""Who is let in, and what was handed out to them. No secret stands here, only digests."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Client(models.Model):
    """A client: which served system it may read, and by which scopes (parted by spaces)."""

    name = models.TextField(unique=True)
    system = models.TextField()
    scopes = models.TextField()
    secret_digest = models.TextField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class Token(models.Model):
    """A bearer token, by its digest, with the scopes it carries."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE)
    digest = models.TextField(unique=True)
    scopes = models.TextField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index("client", "expires_at", name="token_of_client")]
