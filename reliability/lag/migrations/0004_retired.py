from django.db import migrations, models


class Migration(migrations.Migration):
    """Clusters that are configured no more."""

    dependencies = [("reliability_lag", "0003_alerts")]
    operations = [
        migrations.AddField(
            model_name="cluster",
            name="retired_at",
            field=models.DateTimeField(help_text="when it was found to be configured no more", null=True),
        ),
    ]
