"""Surveys and petitions as plain web pages that need no JavaScript, as QR codes open them."""
