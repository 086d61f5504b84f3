from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0011_the_ledger_tells_what_was_sent")]

    operations = [
        migrations.AddField("matchcase", "seen_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="AcceptedEdit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("flow", models.TextField()),
                ("key", models.TextField()),
                ("field", models.TextField()),
                ("value", models.TextField()),
                ("until", models.DateField()),
                ("steward", models.TextField()),
                ("actor", models.TextField()),
                ("why", models.TextField()),
                ("accepted_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint("flow", "key", "field", name="accept_once"),
                ],
            },
        ),
    ]
