"""The tables of an inventory."""
