from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0009_what_may_be_one_person_is_decided_and_remembered")]

    operations = [
        migrations.AddField("link", "refused_under", models.TextField(db_default="")),
        migrations.AddField("link", "accepted_at", models.DateTimeField(null=True)),
        migrations.AddField("incident", "escalated_at", models.DateTimeField(null=True)),
        migrations.AddField("incident", "escalated_to", models.TextField(db_default="")),
        migrations.AddField("incident", "told_at_once", models.BooleanField(db_default=False)),
        migrations.CreateModel(
            name="Letter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("steward", models.TextField()),
                ("kind", models.TextField()),
                ("state", models.TextField(default="intended")),
                ("incidents", models.TextField()),
                ("told", models.TextField(default="")),
                ("intended_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index("steward", "kind", "id", name="letter_latest")],
            },
        ),
    ]
