"""Photos get a place among the others, by the number in their name, and drafts take videos."""

import re

import django.db.models.deletion
from django.db import migrations, models


def number_photos(apps, schema_editor):
    Photo = apps.get_model("recon", "Photo")
    for photo in Photo.objects.only("pk", "name").iterator():
        number = re.match(r"\d+", photo.name)
        if number:
            Photo.objects.filter(pk=photo.pk).update(position=int(number.group()))


class Migration(migrations.Migration):
    dependencies = [
        ("recon", "0003_draft_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="photo",
            name="position",
            field=models.PositiveIntegerField(default=0, help_text="among the others, as shown"),
        ),
        migrations.AlterField(
            model_name="photo",
            name="sha256",
            field=models.CharField(db_index=True, help_text="of the file, computed here", max_length=64),
        ),
        migrations.AlterModelOptions(
            name="photo",
            options={"ordering": ("position", "name")},
        ),
        migrations.RunPython(number_photos, migrations.RunPython.noop, elidable=True),
        migrations.CreateModel(
            name="Video",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("original_name", models.CharField(help_text="what the person called it", max_length=255)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField(help_text="bytes")),
                ("state", models.CharField(choices=[("waiting", "waiting or being worked on"), ("done", "its frames are photos"), ("failed", "no frames came of it")], default="waiting", max_length=8)),
                ("percent", models.FloatField(default=0.0, help_text="of the work, 0 to 100")),
                ("frames", models.PositiveIntegerField(default=0, help_text="that became photos")),
                ("tries", models.PositiveIntegerField(default=0, help_text="how often a worker began")),
                ("starts_job", models.BooleanField(default=False, help_text="the draft starts after it")),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error_facts", models.JSONField(blank=True, default=dict)),
                ("job", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="videos", to="recon.job")),
            ],
            options={"ordering": ("pk",)},
        ),
    ]
