from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0002_what_is_verified_follows_from_when_it_was_seen")]

    operations = [
        migrations.AddField("flowstate", "tried_at", models.DateTimeField(null=True)),
        migrations.AddField("link", "was_there", models.BooleanField(db_default=False)),
    ]
