"""Attacks on hosts of the lab, each bounded in count and time."""
