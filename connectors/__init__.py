"""How people reach motcua. May import ``actions`` and ``knowledge``; never ``bot``."""
