from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0003_copies_that_were_there_are_never_deleted")]

    operations = [
        migrations.AddField("effect", "was_there", models.BooleanField(db_default=False)),
        migrations.AddField("incident", "of_writing", models.BooleanField(db_default=False)),
        migrations.AddField("systemstate", "by_writing", models.BooleanField(db_default=False)),
        migrations.AddField("systemstate", "not_before", models.DateTimeField(null=True)),
        migrations.AddField("systemstate", "failures", models.IntegerField(db_default=0)),
    ]
