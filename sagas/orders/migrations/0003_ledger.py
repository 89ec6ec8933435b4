import django.db.models.functions.comparison
from django.db import migrations, models

# A payment of an ordinary order was called after its provider and amount; from now on references are unique.
REFERENCES = """
UPDATE mainstay_orders_payment AS payment
SET reference = coalesce(
    (SELECT provider FROM mainstay_orders_order WHERE number = payment.order_number), 'unknown'
) || '-' || order_number
WHERE right(reference, length(order_number) + 1) <> '-' || order_number
"""
PAYMENTS = """
UPDATE mainstay_orders_payment
SET asked_cents = amount_cents,
    state = CASE WHEN refunded_at IS NULL THEN 'completed' ELSE 'refunded' END,
    refunded_cents = CASE WHEN refunded_at IS NULL THEN 0 ELSE greatest(amount_cents, 0) END
"""
# What an order came to is what its payment and its parcel say. An order that never was paid says nothing of its own:
# its saga does, if that was undone.
PENDING = "UPDATE mainstay_orders_order SET state = 'pending', state_changed_at = placed_at"
PAID_OR_CANCELLED = """
UPDATE mainstay_orders_order AS orders
SET state = CASE payment.state WHEN 'completed' THEN 'paid' ELSE 'cancelled' END,
    state_changed_at = coalesce(payment.refunded_at, payment.captured_at)
FROM mainstay_orders_payment AS payment
WHERE payment.order_number = orders.number
"""
UNDONE = """
UPDATE mainstay_orders_order AS orders
SET state = 'cancelled', state_changed_at = coalesce(saga.ended_at, saga.changed_at)
FROM sagas_saga AS saga
WHERE saga.definition = 'business_order' AND saga.key = orders.number AND saga.status = 'compensated'
    AND orders.state <> 'cancelled'
"""
SHIPPED = """
UPDATE mainstay_orders_order AS orders
SET state = 'shipped', state_changed_at = shipment.shipped_at
FROM mainstay_orders_shipment AS shipment
WHERE shipment.order_number = orders.number
"""


class Migration(migrations.Migration):

    dependencies = [
        ('mainstay_orders', '0002_refunds'),
        ('sagas', '0001_sagas'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='state',
            field=models.CharField(choices=[('pending', 'pending'), ('paid', 'paid'), ('shipped', 'shipped'), ('cancelled', 'cancelled')], default='pending', max_length=12),
        ),
        migrations.AddField(
            model_name='order',
            name='state_changed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='order',
            name='number',
            field=models.CharField(db_collation='C', max_length=40, unique=True),
        ),
        migrations.AddField(
            model_name='payment',
            name='asked_cents',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='payment',
            name='refunded_cents',
            field=models.IntegerField(default=0),
        ),
        migrations.AddField(
            model_name='payment',
            name='state',
            field=models.CharField(max_length=12, null=True),
        ),
        migrations.AddField(
            model_name='payment',
            name='tell_at',
            field=models.DateTimeField(help_text='when its news, which are late, are to be told', null=True),
        ),
        migrations.AlterField(
            model_name='payment',
            name='order_number',
            field=models.CharField(db_collation='C', db_index=True, max_length=40),
        ),
        migrations.AlterField(
            model_name='payment',
            name='reference',
            field=models.CharField(max_length=100),
        ),
        migrations.RunSQL([REFERENCES, PAYMENTS, PENDING, PAID_OR_CANCELLED, UNDONE, SHIPPED], migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='order',
            name='state_changed_at',
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name='payment',
            name='asked_cents',
            field=models.IntegerField(help_text='what was asked for; the news of the payment tell no more'),
        ),
        migrations.AlterField(
            model_name='payment',
            name='state',
            field=models.CharField(choices=[('completed', 'completed'), ('failed', 'failed'), ('refunded', 'refunded')], max_length=12),
        ),
        migrations.AlterField(
            model_name='payment',
            name='reference',
            field=models.CharField(max_length=100, unique=True),
        ),
        migrations.AlterField(
            model_name='payment',
            name='amount_cents',
            field=models.IntegerField(help_text='what was taken, or could not be'),
        ),
        migrations.AlterField(
            model_name='payment',
            name='captured_at',
            field=models.DateTimeField(help_text='when the money was taken, or was last refused'),
        ),
        migrations.AlterField(
            model_name='payment',
            name='refunded_at',
            field=models.DateTimeField(help_text='when some of it was last given back', null=True),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('tell_at__isnull', False)), fields=['tell_at'], name='orders_payment_tell'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('refunded_cents__gte', 0), ('refunded_cents__lte', django.db.models.functions.comparison.Greatest('amount_cents', models.Value(0)))), name='orders_payment_refunded'),
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=400, unique=True)),
                ('order_number', models.CharField(db_collation='C', db_index=True, max_length=40)),
                ('reference', models.CharField(help_text='the one payment that was meant; empty: all of the order', max_length=100)),
                ('whole', models.BooleanField(help_text='everything was asked back: the order is not charged any more')),
                ('amount_cents', models.IntegerField(help_text='what was given back, of all payments together')),
                ('at', models.DateTimeField()),
            ],
        ),
    ]
