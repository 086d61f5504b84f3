from __future__ import annotations

from django.db import migrations, models

_OPEN = models.Q(state__in=("intended", "sent", "unknown"))


class Migration(migrations.Migration):
    dependencies = [("hub", "0010_offices_are_written_to_and_answer")]

    operations = [
        migrations.AddField("run", "sending", models.TextField(db_default="")),
        migrations.RemoveIndex(model_name="effect", name="effect_unsettled"),
        migrations.AddIndex(
            "effect", models.Index("flow", condition=_OPEN, name="effect_unsettled")
        ),
        # What was intended before the ledger told them apart may have been sent.
        migrations.RunSQL(
            "UPDATE hub_effect SET state = 'sent' WHERE state = 'intended'",
            migrations.RunSQL.noop,
        ),
    ]
