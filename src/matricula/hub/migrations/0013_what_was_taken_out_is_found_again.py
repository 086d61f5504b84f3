from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0010_offices_are_written_to_and_answer")]

    operations = [
        migrations.AddIndex(
            "effect",
            models.Index(
                "flow",
                condition=models.Q(kind="delete", state="answered"),
                name="effect_taken_out",
            ),
        ),
    ]
