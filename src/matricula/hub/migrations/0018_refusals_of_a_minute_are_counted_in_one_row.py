from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("hub", "0017_a_reading_remembers_how_far_its_source_had_come"),
    ]

    operations = [
        migrations.AddField(
            model_name="announcement",
            name="times",
            field=models.PositiveIntegerField(db_default=1),
        ),
        # They counted for a minute, and several of one instant could be there.
        migrations.RunSQL("DELETE FROM hub_announcement WHERE NOT taken", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.UniqueConstraint(
                models.F("system"),
                models.F("at"),
                condition=models.Q(("taken", False)),
                name="refusals_of_a_minute",
            ),
        ),
    ]
