"""Loads of four steps for three engines, each a program of its own, and the bare statements under ours."""
