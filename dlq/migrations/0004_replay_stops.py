from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dlq', '0003_left_out'),
    ]

    operations = [
        migrations.AddField(
            model_name='replay',
            name='stops',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='replay',
            name='stopped_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='replay',
            index=models.Index(condition=models.Q(('stopped_at__isnull', False)), fields=['stopped_at'], name='dlq_replay_stopped'),
        ),
    ]
