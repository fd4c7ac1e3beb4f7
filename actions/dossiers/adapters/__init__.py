"""Ways to the systems that hold dossiers: one module for each protocol."""
