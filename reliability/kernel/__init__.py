"""The words and mechanisms every room uses. Imports no room, no app, and (but for telemetry) no Django."""
