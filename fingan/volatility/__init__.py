"""Causal volatility: fit, filter over history, and the same recursion run forward."""
