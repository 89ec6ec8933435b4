"""Locks on the database's clock: leases with fencing numbers."""
