"""The website channel: its HTTP routes and the chat page."""
