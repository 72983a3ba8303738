"""What belongs to Homeport on a host, and what belongs to others.

`claims.py` has what a resource says of the things it changes, `record.py` what Homeport made,
`things.py` how to look at a thing, and `gate.py` refuses a run that would change what others made.
"""
