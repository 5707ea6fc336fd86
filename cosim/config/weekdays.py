"""Names of days, for whatever depends on the day of the week."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOLIDAY = "holiday"
DAYS = (*WEEKDAYS, HOLIDAY)
"""Kinds of day, in the order of their numbers."""
