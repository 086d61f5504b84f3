from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0004_a_failed_write_is_remembered_apart_from_readings")]

    operations = [
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("plan", models.TextField()),
                ("flow", models.TextField()),
                ("steward", models.TextField()),
                ("actor", models.TextField()),
                ("why", models.TextField()),
                ("approved_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint("plan", "flow", "steward", name="approve_once")
                ],
            },
        ),
        migrations.AddField("storedplan", "parts", models.TextField(default="[]")),
        migrations.AddField("flowstate", "first_full_at", models.DateTimeField(null=True)),
        migrations.RunSQL(
            "UPDATE hub_flowstate SET first_full_at = last_full_at", migrations.RunSQL.noop
        ),
        migrations.AddIndex(
            "effect", models.Index("flow", "settled_at", name="effect_of_the_day")
        ),
    ]
