"""Hosts as people have them, with sites, accounts and settings of their own: do no harm."""
