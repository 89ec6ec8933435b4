"""The table of entries, and the trigger that makes PostgreSQL refuse every change of it."""
import django.contrib.postgres.fields
from django.db import migrations, models


# ALWAYS: also for a session that calls itself a replica. Only the table's owner can take it away, and then the chain tells.
APPEND_ONLY = """
create or replace function reliability_audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
end
$$;
create trigger append_only before update or delete or truncate on reliability_audit_entry
    for each statement execute function reliability_audit_refuse();
alter table reliability_audit_entry enable always trigger append_only;
"""
NOT_APPEND_ONLY = """
drop trigger append_only on reliability_audit_entry;
drop function reliability_audit_refuse();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('seq', models.BigIntegerField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('actor_kind', models.CharField(max_length=16)),
                ('actor_name', models.CharField(max_length=300)),
                ('actor_account', models.CharField(max_length=200)),
                ('act', models.CharField(max_length=60)),
                ('target', models.CharField(max_length=300)),
                ('topics', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=249), size=None)),
                ('reason', models.TextField()),
                ('outcome', models.CharField(choices=[('done', 'done'), ('refused', 'refused'), ('failed', 'failed')], max_length=8)),
                ('facts_json', models.TextField()),
                ('trace_id', models.CharField(max_length=32)),
                ('request_id', models.CharField(max_length=128)),
                ('prev_hash', models.BinaryField(max_length=32)),
                ('hash', models.BinaryField(max_length=32, unique=True)),
            ],
            options={
                'ordering': ['-seq'],
                'indexes': [models.Index(fields=['act', '-seq'], name='audit_entry_act'), models.Index(fields=['target', '-seq'], name='audit_entry_target'), models.Index(fields=['actor_name', '-seq'], name='audit_entry_actor'), models.Index(fields=['at'], name='audit_entry_at')],
                'constraints': [models.CheckConstraint(condition=models.Q(('outcome__in', ('done', 'refused', 'failed'))), name='audit_entry_outcome')],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, NOT_APPEND_ONLY),
    ]
