"""What other systems may ask of us. Still an empty room."""
