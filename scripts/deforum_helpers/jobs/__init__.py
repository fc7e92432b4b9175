"""Runs under way: stopping, pausing, waiting in line."""
