from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hub", "0001_the_hub_keeps_runs_links_and_effects")]

    operations = [migrations.RemoveIndex(model_name="effect", name="effect_answered")]
