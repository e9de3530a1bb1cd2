"""Scenarios: the cube of paths, its files and calendar, and the store of published models."""
