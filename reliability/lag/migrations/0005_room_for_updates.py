from django.db import migrations

# Every look writes every row: with room on its page a row's new version touches none of the indexes.
TABLES = ("reliability_lag_group", "reliability_lag_topic")


class Migration(migrations.Migration):
    """Half of each page stays free for the next version of its rows."""

    dependencies = [("reliability_lag", "0004_retired")]
    operations = [
        migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = 50)", f"ALTER TABLE {table} RESET (fillfactor)")
        for table in TABLES
    ]
