"""What identity providers may fetch: shelves, records, their values, memberships."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Shelf",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("system", models.TextField()),
                ("table", models.TextField()),
                ("records", models.BigIntegerField(default=0)),
                ("revision", models.BigIntegerField(default=0)),
                ("touched", models.TextField(default="")),
                ("places", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("system"), models.F("table"), name="scim_one_shelf_for_each_kind"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Record",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.BigIntegerField()),
                ("identifier", models.TextField(unique=True)),
                ("document", models.TextField()),
                ("revision", models.BigIntegerField()),
                ("created", models.TextField()),
                ("modified", models.TextField()),
                (
                    "shelf",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="scim_provider.shelf",
                    ),
                ),
            ],
            options={
                "db_table": "scim_record",
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("field", models.TextField()),
                ("path", models.TextField()),
                ("entry", models.IntegerField(default=0)),
                ("head", models.TextField()),
                ("text", models.TextField()),
                (
                    "record",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="scim_provider.record",
                    ),
                ),
                (
                    "shelf",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="scim_provider.shelf",
                    ),
                ),
            ],
            options={
                "db_table": "scim_entry",
            },
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="scim_provider.record",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="scim_provider.record",
                    ),
                ),
            ],
            options={
                "db_table": "scim_member",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("group"), models.F("user"), name="scim_once_in_a_group"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                models.F("shelf"), models.F("modified"), name="scim_record_modified"
            ),
        ),
        migrations.AddConstraint(
            model_name="record",
            constraint=models.UniqueConstraint(
                models.F("shelf"), models.F("place"), name="scim_one_place_each"
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                models.F("shelf"), models.F("path"), models.F("head"), name="scim_entry_asked"
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(models.F("record"), models.F("path"), name="scim_entry_of_record"),
        ),
    ]
