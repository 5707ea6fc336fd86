"""Retailers, local days, distances and congestion, and who gets what of a bill."""
