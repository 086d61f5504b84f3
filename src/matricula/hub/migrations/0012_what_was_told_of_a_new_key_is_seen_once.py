from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0010_offices_are_written_to_and_answer")]

    operations = [
        migrations.AddField("matchcase", "seen_at", models.DateTimeField(null=True)),
    ]
