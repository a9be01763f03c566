"""Runs a submission in its own process, judges it here, and writes the marks."""
