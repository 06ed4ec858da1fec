from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recon", "0017_tags")]

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
