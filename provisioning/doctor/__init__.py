"""`fab doctor`: the checklist of production, verified on live hosts; nothing is changed."""
