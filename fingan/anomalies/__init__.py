"""Windows of real prices that do not look like the market learnt."""
