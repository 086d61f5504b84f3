"""The pure half of the line: read, resolve, compose, project, diff, guard. Arrow in, plan out."""
