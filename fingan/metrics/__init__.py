"""Pure functions of returns and scenarios: what a generator is judged by."""
