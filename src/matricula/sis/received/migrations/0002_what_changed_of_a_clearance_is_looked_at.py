from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("received", "0001_what_flows_to_the_register")]

    operations = [
        migrations.CreateModel(
            name="Unheeded",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("student_no", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="Heard",
            fields=[
                ("resource", models.TextField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        # What flowed here before anybody looked is looked at once.
        migrations.RunSQL(
            "INSERT INTO received_unheeded (student_no) SELECT student_no FROM received_clearance",
            migrations.RunSQL.noop,
        ),
    ]
