"""A heartbeat is of one life of a process: the next life in a container has the same number."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reliability_live", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(model_name="heartbeat", name="live_heartbeat_process"),
        migrations.AddConstraint(
            model_name="heartbeat",
            constraint=models.UniqueConstraint(
                fields=["name", "host", "pid", "started_at"], name="live_heartbeat_life"
            ),
        ),
    ]
