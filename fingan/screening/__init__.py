"""Screens: candidates ranked by what a generator's scenarios say of them, with their errors."""
