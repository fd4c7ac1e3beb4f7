"""Posters with a QR code for an office's wall: what they say, how they are set, as SVG and PDF."""
