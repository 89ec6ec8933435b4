"""The demo's shop: order, payment, stock and shipment services on real topics, with faults that can be switched."""
