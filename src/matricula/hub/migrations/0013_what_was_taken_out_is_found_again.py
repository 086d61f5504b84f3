from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0012_new_keys_are_seen_and_edits_accepted_for_a_while")]

    operations = [
        migrations.AddIndex(
            "effect",
            models.Index(
                "flow",
                condition=models.Q(kind="delete", state__in=("answered", "verified")),
                name="effect_taken_out",
            ),
        ),
    ]
