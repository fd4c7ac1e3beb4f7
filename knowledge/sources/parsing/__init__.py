"""Parsing of what the official records write as text: papers, money, times, names, legal texts."""
