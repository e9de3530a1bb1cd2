"""Stress: what goes with a shock, how plausible it is, and the ways to lose so much."""
