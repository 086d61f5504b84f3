"""The durable half of the line: runs, links, gate, deliver, record, incidents, drift."""
