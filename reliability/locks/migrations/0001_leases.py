from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='LeaseRow',
            fields=[
                ('name', models.CharField(max_length=200, primary_key=True, serialize=False)),
                ('owner', models.CharField(max_length=200)),
                ('fence', models.BigIntegerField()),
                ('until', models.DateTimeField()),
            ],
            options={
                'db_table': 'reliability_locks_lease',
            },
        ),
    ]
