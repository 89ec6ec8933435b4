from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mainstay_orders', '0001_shop'),
    ]

    operations = [
        migrations.AddField(
            model_name='payment',
            name='refunded_at',
            field=models.DateTimeField(null=True),
        ),
    ]
