from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recon", "0018_what_gives_way_and_drafts_times")]

    operations = [
        migrations.RemoveField(model_name="job", name="message"),
        migrations.AddField(
            model_name="job",
            name="progress",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='what it is doing: {"code": "...", "facts": {...}}',
            ),
        ),
    ]
