"""Everything in here travels to the host, and nothing else does.

Standard library only, Python 3.9 or newer: whatever Debian's `python3` is there.
The controller imports the same files for their dataclasses, so that a resource is
declared, sent and applied by one piece of code.
"""
