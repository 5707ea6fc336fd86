"""Grid fees and taxes, each registered by its name."""
