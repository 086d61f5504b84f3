"""What other systems hand over, brought into the tables of a bundle: files in, rows out."""
