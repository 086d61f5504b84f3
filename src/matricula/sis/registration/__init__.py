"""Students and their registrations: one history of dated events for each attempt."""
