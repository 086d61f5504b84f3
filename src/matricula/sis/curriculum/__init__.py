"""What is taught: programmes, modules, terms, sections, meetings, rooms."""
