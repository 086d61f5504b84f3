from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0013_what_was_taken_out_is_found_again")]

    operations = [
        migrations.AddIndex("link", models.Index("flow", "external_id", name="link_external")),
    ]
