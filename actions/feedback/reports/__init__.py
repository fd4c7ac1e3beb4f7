"""The figures that offices report: satisfaction, on-time rates, the former nine indices, parts of the 766 index."""
