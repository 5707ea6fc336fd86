"""Co-simulation of prosumer communities, their messages and their low-voltage feeder."""

__version__ = "0.1.0"
