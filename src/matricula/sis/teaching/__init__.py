"""Who teaches what and when, and who was there."""
