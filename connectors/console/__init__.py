"""The pages for signed-in staff."""
