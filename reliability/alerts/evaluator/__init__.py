"""Looks at signals and things that need a person, turn by turn."""
