"""Term registrations, enrolments, seats and waitlists."""
