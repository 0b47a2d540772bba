"""Exim's main log: its lines, its files, and exact counts of what they say."""
