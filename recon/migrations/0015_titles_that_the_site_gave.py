"""Which titles the site gave. Those of before are told as the code did then, by what they say."""

import re

from django.conf import settings
from django.db import migrations, models
from django.template.defaultfilters import date
from django.utils.translation import gettext, override


def tell_apart(apps, schema_editor):
    jobs = apps.get_model("recon", "Job").objects.exclude(title="")
    dated = jobs.annotate(day=models.Min("photos__taken_on"))
    for job in dated.filter(models.Q(is_sample=True) | models.Q(day__isnull=False)):
        bases = set()
        for language, _ in settings.LANGUAGES:
            with override(language):
                bases |= {date(job.day, gettext("j M Y"))} if job.day else set()
                bases |= {gettext("Sample photos")} if job.is_sample else set()
        if re.sub(r" \(\d+\)$", "", job.title) in bases:
            jobs.filter(pk=job.pk).update(automatic_title=job.title)


class Migration(migrations.Migration):

    dependencies = [
        ("recon", "0014_day_that_a_photo_was_taken"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="automatic_title",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="what the site called it: nobody chose a title that is the same",
                max_length=120,
            ),
        ),
        migrations.RunPython(tell_apart, migrations.RunPython.noop),
    ]
