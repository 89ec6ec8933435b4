"""What an entry of the audit is, and how entries are chained."""
