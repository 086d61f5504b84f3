from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0005_guards_look_back_a_day_and_can_be_raised_for_a_plan")]

    operations = [
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("flow", models.TextField(primary_key=True, serialize=False)),
                ("run", models.TextField()),
                ("actor", models.TextField()),
                ("why", models.TextField()),
                ("held_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField("storedplan", "undoes", models.TextField(default="")),
    ]
