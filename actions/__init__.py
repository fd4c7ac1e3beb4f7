"""What the bot asks to be done. May import ``knowledge``; never ``connectors`` or ``bot``."""
