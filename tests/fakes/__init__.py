"""What stands in for the real thing in tests: one file per class that is imitated.

`test_fakes.py` compares each with the class it stands in for.
"""
