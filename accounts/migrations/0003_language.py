from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_public_page_limits_and_time_zone'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='language',
            field=models.CharField(blank=True, help_text="of pages and mails; empty: the browser's, the site's", max_length=10),
        ),
    ]
