from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0004_a_failed_write_is_remembered_apart_from_readings")]

    operations = [
        migrations.AddField("flowstate", "to_do", models.BigIntegerField(db_default=0)),
        migrations.AddField("flowstate", "reasons", models.TextField(db_default="[]")),
    ]
