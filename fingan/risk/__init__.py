"""Losses of a portfolio, measured and held against what happened."""
