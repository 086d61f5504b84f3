from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("holds", "0001_holds_policies_and_decisions_are_kept")]

    operations = [
        migrations.CreateModel(
            name="HoldFigure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_minor", models.BigIntegerField(null=True)),
                ("loans", models.IntegerField(null=True)),
                ("effective_on", models.DateField()),
                ("act", models.TextField(db_index=True)),
                ("recorded_at", models.DateTimeField()),
                (
                    "hold",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="holds.hold"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            "holdpolicy", "threshold_loans", models.IntegerField(db_default=0, default=0)
        ),
        migrations.AddIndex(
            "hold",
            models.Index("source_system", "source_reference", name="hold_by_its_source"),
        ),
    ]
