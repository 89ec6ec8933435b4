"""Sagas. So far only ``sagas.orders``, the demo's shop, lives here; the engine and its pages are still to be built."""
