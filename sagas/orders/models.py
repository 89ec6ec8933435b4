"""The shop's tables."""

from __future__ import annotations

from django.db import models


class Order(models.Model):
    """An order and how far it came."""

    number = models.CharField(max_length=40, unique=True)
    sku = models.CharField(max_length=40)
    amount_cents = models.IntegerField()
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=40)
    country = models.CharField(max_length=2)
    placed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.number


class Payment(models.Model):
    """The one charge of an order."""

    order_number = models.CharField(max_length=40, unique=True)
    reference = models.CharField(max_length=80)
    amount_cents = models.IntegerField()
    captured_at = models.DateTimeField()
    refunded_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.reference


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
