"""An account may lose its role: the identity provider may take it. The column stays, its check allows one word more."""

from django.conf import settings
from django.db import migrations, models

ROLES = ["viewer", "operator", "admin"]
WIDER = """
ALTER TABLE reliability_access_account DROP CONSTRAINT access_account_role;
ALTER TABLE reliability_access_account ADD CONSTRAINT access_account_role
    CHECK (role IN ('', 'viewer', 'operator', 'admin'));
"""
NARROWER = """
ALTER TABLE reliability_access_account DROP CONSTRAINT access_account_role;
ALTER TABLE reliability_access_account ADD CONSTRAINT access_account_role
    CHECK (role IN ('viewer', 'operator', 'admin'));
"""


class Migration(migrations.Migration):

    dependencies = [
        ("reliability_access", "0002_token_acts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(WIDER, NARROWER, hints={"expands": True})],
            state_operations=[
                migrations.RemoveConstraint(model_name="account", name="access_account_role"),
                migrations.AlterField(
                    model_name="account",
                    name="role",
                    field=models.CharField(blank=True, choices=[(role, role) for role in ROLES], max_length=16),
                ),
                migrations.AddConstraint(
                    model_name="account",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("role__in", ["", *ROLES])), name="access_account_role"
                    ),
                ),
            ],
        ),
    ]
