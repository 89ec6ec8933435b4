"""The shop's tables."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Greatest

from sagas.orders.domain.states import OrderState, PaymentState

ORDER_STATES = [(state.value, state.value) for state in OrderState]
PAYMENT_STATES = [(state.value, state.value) for state in PaymentState]
BYTEWISE = "C"  # both sides that a reconciler reads by number have the same order, on every machine


class Order(models.Model):
    """An order and how far it came."""

    number = models.CharField(max_length=40, unique=True, db_collation=BYTEWISE)
    sku = models.CharField(max_length=40)
    amount_cents = models.IntegerField()
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=40)
    country = models.CharField(max_length=2)
    placed_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=ORDER_STATES, default=OrderState.PENDING.value)
    state_changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.number


class Payment(models.Model):
    """An entry of the payment service's ledger: money that was taken for an order, or could not be."""

    order_number = models.CharField(max_length=40, db_index=True, db_collation=BYTEWISE)
    reference = models.CharField(max_length=100, unique=True)
    asked_cents = models.IntegerField(help_text="what was asked for; the news of the payment tell no more")
    amount_cents = models.IntegerField(help_text="what was taken, or could not be")
    refunded_cents = models.IntegerField(default=0)
    state = models.CharField(max_length=12, choices=PAYMENT_STATES)
    captured_at = models.DateTimeField(help_text="when the money was taken, or was last refused")
    refunded_at = models.DateTimeField(null=True, help_text="when some of it was last given back")
    tell_at = models.DateTimeField(null=True, help_text="when its news, which are late, are to be told")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tell_at"], name="orders_payment_tell", condition=models.Q(tell_at__isnull=False))
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="orders_payment_refunded",
                condition=models.Q(refunded_cents__gte=0)
                & models.Q(refunded_cents__lte=Greatest("amount_cents", models.Value(0))),
            )
        ]

    def __str__(self) -> str:
        return self.reference


class Refund(models.Model):
    """A request to give money back, by its key: the same one gives it back once."""

    key = models.CharField(max_length=400, unique=True)
    order_number = models.CharField(max_length=40, db_index=True, db_collation=BYTEWISE)
    reference = models.CharField(max_length=100, help_text="the one payment that was meant; empty: all of the order")
    whole = models.BooleanField(help_text="everything was asked back: the order is not charged any more")
    amount_cents = models.IntegerField(help_text="what was given back, of all payments together")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class Reservation(models.Model):
    """Stock put aside for an order."""

    order_number = models.CharField(max_length=40, unique=True)
    sku = models.CharField(max_length=40)
    weight_grams = models.IntegerField()
    reserved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.order_number}: {self.sku}"


class Shipment(models.Model):
    """A parcel on its way."""

    order_number = models.CharField(max_length=40, unique=True)
    carrier = models.CharField(max_length=20)
    shipped_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.order_number} by {self.carrier}"


class FaultSwitch(models.Model):
    """Whether one of the shop's faults is on."""

    name = models.CharField(max_length=40, primary_key=True)
    on = models.BooleanField(default=True)
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {'on' if self.on else 'off'}"


class PagerMessage(models.Model):
    """What the demo's pager got: a message of the alerts room, once."""

    number = models.CharField(max_length=80, unique=True, help_text="the message's own; sent twice, it is kept once")
    event = models.CharField(max_length=20)
    title = models.TextField()
    url = models.TextField(default="")
    dedup_key = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.event}: {self.title}"
