"""Pure rules of live pages."""
