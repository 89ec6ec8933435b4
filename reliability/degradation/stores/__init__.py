"""Redis between the database and the processes: the newest snapshot, and who reads what."""
