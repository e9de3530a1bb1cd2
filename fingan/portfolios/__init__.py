"""Portfolios put to scenarios: what they risk, and which weights risk least."""
