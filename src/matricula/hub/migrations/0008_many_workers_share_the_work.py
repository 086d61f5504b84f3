from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0007_why_a_flow_was_held_is_kept")]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("holder", models.TextField()),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.AddField("run", "holder", models.TextField(db_default="")),
        migrations.RemoveConstraint("dirtykey", "mark_once"),
        migrations.AddField("dirtykey", "flow", models.TextField(db_default="")),
        migrations.AddConstraint(
            "dirtykey",
            models.UniqueConstraint("flow", "entity", "key", name="mark_once"),
        ),
    ]
