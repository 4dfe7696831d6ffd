"""News for open pages: server-sent events, in a process of their own."""
