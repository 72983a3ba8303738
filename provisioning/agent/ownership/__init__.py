"""What on a host is Homeport's, and what is somebody else's.

`claims.py` has what a resource says of the things it changes, `record.py` what Homeport made,
`things.py` how to look at a thing, and `gate.py` refuses a run that would change what others made.
"""
