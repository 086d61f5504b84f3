"""Canvas: users, logins, accounts, terms, courses, sections and enrolments by SIS import."""
