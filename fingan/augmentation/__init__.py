"""Synthetic panels as training data, and what they are worth to a downstream model."""
