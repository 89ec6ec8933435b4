"""Who may do what, as plain values: roles, rights, topic scopes, actors."""
