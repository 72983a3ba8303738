"""Hosts on which others have things of their own."""
