"""From a price file to returns, windows and splits: the door through which data comes in."""
