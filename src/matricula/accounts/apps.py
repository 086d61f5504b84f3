"""Accounts as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts, grants, and who looked at whom."""

    name = "matricula.accounts"
    label = "accounts"
