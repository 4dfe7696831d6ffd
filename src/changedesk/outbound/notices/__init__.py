"""Notices: who is told what of a change, queued with the place in the log that it follows from, and sent once."""
