from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0006_a_run_can_be_undone_and_its_flows_wait")]

    operations = [
        migrations.AddField("flowstate", "to_do", models.BigIntegerField(db_default=0)),
        migrations.AddField("flowstate", "reasons", models.TextField(db_default="[]")),
    ]
