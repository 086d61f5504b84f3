from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0008_many_workers_share_the_work")]

    operations = [
        migrations.CreateModel(
            name="MatchCase",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.TextField()),
                ("entity", models.TextField()),
                ("key", models.TextField()),
                ("resource", models.TextField()),
                ("other", models.TextField(db_default="")),
                ("probability", models.FloatField(null=True)),
                ("evidence", models.TextField(db_default="{}")),
                ("state", models.TextField(db_default="open")),
                ("steward", models.TextField()),
                ("opened_at", models.DateTimeField()),
                ("decided_by", models.TextField(db_default="")),
                ("decided_at", models.DateTimeField(null=True)),
                ("why", models.TextField(db_default="")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        "kind", "entity", "key", "resource", "other", name="one_case"
                    )
                ],
                "indexes": [models.Index("state", "kind", name="case_state")],
            },
        ),
        migrations.CreateModel(
            name="MatchDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("said", models.TextField()),
                ("actor", models.TextField()),
                ("why", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="hub.matchcase"
                    ),
                ),
            ],
        ),
    ]
