"""Messages over links that delay, lose, repeat, reorder and cut them; every message is accounted for."""
