from django.db import migrations, models


class Migration(migrations.Migration):
    """What a kind of batch wants to know again of an item."""

    dependencies = [("sagas", "0003_batches")]
    operations = [
        migrations.AddField(
            model_name="batchitem",
            name="details",
            field=models.JSONField(default=dict, help_text="what its kind wants to know again when its turn comes"),
        ),
    ]
