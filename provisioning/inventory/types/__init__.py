"""The values of an inventory."""
