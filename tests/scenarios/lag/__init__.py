"""Trouble with the cluster while lag is watched."""
