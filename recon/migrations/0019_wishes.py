import recon.models.wishes_field
import recon.pipeline.wishes
from django.db import migrations


def gather_wishes(apps, schema_editor):
    """From the columns, and from the settings that were made of the other wishes."""
    jobs = apps.get_model('recon', 'Job').objects
    for job in jobs.only('preset', 'original_resolution', 'cross_validate', 'config').iterator():
        job.wishes = recon.pipeline.wishes.Wishes(
            preset=job.preset,  # "draft" is called "quick" now
            original_resolution=job.original_resolution,
            cross_validate=job.cross_validate,
            final_refine=job.config.get('export', {}).get('final_refine', True),
            outlier_filter=job.config.get('evaluate', {}).get('outlier_filter', 'auto'),
        )
        job.save(update_fields=['wishes'])


class Migration(migrations.Migration):

    dependencies = [
        ('recon', '0018_progress_as_code_and_facts'),
        ('recon', '0018_what_gives_way_and_drafts_times'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='wishes',
            field=recon.models.wishes_field.WishesField(default=recon.pipeline.wishes.Wishes, help_text='what was asked for'),
        ),
        migrations.RunPython(gather_wishes, elidable=True),
        migrations.RemoveField(
            model_name='job',
            name='preset',
        ),
        migrations.RemoveField(
            model_name='job',
            name='original_resolution',
        ),
        migrations.RemoveField(
            model_name='job',
            name='cross_validate',
        ),
    ]
